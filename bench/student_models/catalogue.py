"""All kinds of submissions: how each is made, and what a teaching assistant expects to read about it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.student_models import answers, archives, broken, folders, hostile, interface, names, networks, tensorflow_2
from bench.student_models.saving import MODEL_FILES, Builder, saved
from bench.student_models.tensorflow_2 import saved_by_tensorflow_2
from grading.stored_grade import VERDICTS

MEETS, SCORED, NOT_SCORED, NOT_GRADED = VERDICTS


@dataclass(frozen=True)
class Submission:
    """A kind of submission."""

    build: Builder
    verdict: str  # as in grades.csv
    reads: str  # what a teaching assistant expects to read
    form: str = names.FOLDER  # of its name


CHECKPOINT, DATA, INDEX, META = MODEL_FILES
ZIPPED = names.ZIP

_FINE = {
    "dense": Submission(saved(networks.dense_only), MEETS, "nothing", names.SHARED_FOLDER),
    "basic-lstm": Submission(saved(networks.convolution_and_basic_lstm), MEETS, "nothing"),
    "static-rnn": Submission(saved(networks.convolution_and_static_rnn), MEETS, "nothing"),
    "stacked-lstms": Submission(saved(networks.stacked_lstms), MEETS, "nothing"),
    "dropout-with-default": Submission(saved(networks.dropout_with_default), MEETS, "nothing"),
    "batch-norm-inference": Submission(saved(networks.batch_norm_for_inference), MEETS, "nothing"),
    "training-graph": Submission(saved(networks.with_training_graph), MEETS, "nothing; what trains is not run"),
    "gpu": Submission(saved(networks.on_a_gpu), MEETS, "nothing; it runs without a GPU"),
    "keras-dropout": Submission(saved_by_tensorflow_2(tensorflow_2.keras_dropout), MEETS, "nothing"),
    "keras-batch-norm": Submission(saved_by_tensorflow_2(tensorflow_2.keras_batch_norm), MEETS, "nothing"),
    "keras-lstm": Submission(saved_by_tensorflow_2(tensorflow_2.keras_lstm), MEETS, "nothing"),
    "layers-with-flag": Submission(saved_by_tensorflow_2(tensorflow_2.layers_with_a_flag), MEETS, "nothing"),
    "output-shapes": Submission(interface.shape_in_output_shapes_alone, MEETS, "nothing, or the shape is not given"),
    "brackets-in-name": Submission(saved(networks.dense_only), MEETS, "nothing", names.LATE_FOLDER),
    "markup-in-name": Submission(saved(networks.dense_only), MEETS, "the name, as text", names.MARKUP_FOLDER),
    "formula-in-name": Submission(saved(networks.dense_only), MEETS, "the name, as text", names.FORMULA_FOLDER),
    "lender": Submission(folders.shared_with_a_friend, MEETS, "the same weights as borrower and renamer"),
    "borrower": Submission(folders.shared_with_a_friend, MEETS, "the same weights as lender and renamer"),
    "renamer": Submission(folders.copied_and_renamed, SCORED, "the same weights as lender and borrower, another name"),
}

_FOLDERS = {
    "other-files": Submission(folders.with_other_files, MEETS, "a note on PA4.py, report.pdf, .DS_Store, __MACOSX"),
    "ds-store": Submission(folders.with_hidden_file, MEETS, "a note on .DS_Store"),
    "control-characters": Submission(folders.with_control_characters, MEETS, "a note on a file, its name escaped"),
    "one-level-down": Submission(folders.one_level_down, MEETS, "the model is in PA4"),
    "two-levels-down": Submission(folders.two_levels_down, MEETS, "the model is in PA4/model"),
    "four-levels-down": Submission(
        folders.four_levels_down, MEETS, "the model is in PA4/submission/results/model; nothing about report.pdf"
    ),
    "brackets-below": Submission(folders.one_level_down_in_brackets, MEETS, "the model is in model [v2]"),
    "whole-run": Submission(folders.whole_run, MEETS, "the model is in model"),
    "two-models": Submission(folders.two_models_in_a_folder, MEETS, "my_model is used; there is also first_try"),
    "newer-weights": Submission(
        folders.newer_weights_of_another_name,
        SCORED,
        "my_model-500 is used, as checkpoint says; there is also my_model",
    ),
    "newer-weights-below": Submission(
        folders.newer_weights_in_a_subfolder, SCORED, "saved/my_model-500 is used; there is also my_model"
    ),
    "format-v1": Submission(folders.weights_in_format_v1(is_sharded=False), SCORED, "the weights are in the format V1"),
    "format-v1-parts": Submission(
        folders.weights_in_format_v1(is_sharded=True), SCORED, "the weights are in the format V1"
    ),
    "text-graph": Submission(folders.graph_as_text, MEETS, "nothing"),
    "two-unknown-models": Submission(folders.two_unknown_models, NOT_SCORED, "two models, which of them?"),
    "two-folders": Submission(folders.a_model_in_each_of_two_folders, NOT_SCORED, "two models, in attempt1, attempt2"),
    "linux-path": Submission(folders.naming_in_checkpoint("/home/ada/my_model"), SCORED, "an absolute path"),
    "windows-path": Submission(folders.naming_in_checkpoint(r"C:\\Users\\Ada\\my_model"), SCORED, "an absolute path"),
    "markup-in-checkpoint": Submission(
        folders.naming_in_checkpoint("<script>alert(1)</script>"), SCORED, "another name in checkpoint, as text"
    ),
    "weights-of-another-name": Submission(folders.weights_of_another_name, SCORED, "the weights are saved as model-2"),
    "model-2": Submission(folders.saved_as("model-2"), SCORED, "it is saved as model-2"),
    "my-model-ckpt": Submission(folders.saved_as("my_model.ckpt"), SCORED, "it is saved as my_model.ckpt"),
    "no-checkpoint": Submission(folders.without_checkpoint, SCORED, "checkpoint is missing"),
    "empty": Submission(folders.empty_folder, NOT_SCORED, "it is empty"),
    "text-only": Submission(folders.text_only, NOT_SCORED, "no model, only readme.txt"),
    "code-only": Submission(folders.code_only, NOT_SCORED, "no model, only PA4.py and report.pdf"),
    "keras": Submission(folders.keras_saved_model, NOT_SCORED, "no model, only saved_model.pb, a SavedModel"),
    "keras-file": Submission(folders.keras_file, NOT_SCORED, "no model, only model.h5, as Keras saves it"),
    "weights-alone": Submission(folders.weights_without_graph, NOT_SCORED, "the graph my_model.meta is missing"),
}

ARCHIVES = {
    "zip": Submission(archives.zipped(saved(networks.dense_only)), MEETS, "nothing", ZIPPED),
    "upper-case-zip": Submission(
        archives.zipped(saved(networks.convolution_and_basic_lstm)), MEETS, "nothing", names.UPPER_CASE_ZIP
    ),
    "zip-other-files": Submission(archives.zipped(folders.with_other_files), MEETS, "notes on the other files", ZIPPED),
    "zip-one-level-down": Submission(archives.zipped(folders.one_level_down), MEETS, "the model is in PA4", ZIPPED),
    "zip-two-levels-down": Submission(archives.zipped(folders.two_levels_down), MEETS, "it is in PA4/model", ZIPPED),
    "zip-mac": Submission(archives.zipped_on_a_mac, MEETS, "the model is in PA4; nothing about __MACOSX", ZIPPED),
    "zip-macosx-beside": Submission(
        archives.zipped_with_macosx_beside, MEETS, "nothing, or a note on __MACOSX", ZIPPED
    ),
    "zip-backslashes": Submission(archives.zip_with_backslashes, MEETS, "the model is in PA4", ZIPPED),
    "zip-in-folder": Submission(archives.zip_in_a_folder, MEETS, "the model is in my_model.zip"),
    "zip-in-zip-in-zip": Submission(archives.zip_of_a_zip_of_a_zip, MEETS, "the model is in zips", ZIPPED),
    "zip-cut-short": Submission(archives.zip_cut_short, NOT_SCORED, "the zip is damaged", ZIPPED),
    "zip-checksum": Submission(archives.zip_with_a_wrong_checksum, NOT_SCORED, "the zip is damaged", ZIPPED),
    "zip-empty": Submission(archives.empty_zip, NOT_SCORED, "it is empty", ZIPPED),
    "zip-of-text": Submission(archives.text_for_a_zip, NOT_SCORED, "it is not a zip", ZIPPED),
    "zip-encrypted": Submission(archives.encrypted_zip, NOT_SCORED, "it needs a password", ZIPPED),
    "rar": Submission(archives.rar, NOT_SCORED, "a RAR archive is not unpacked", names.RAR),
    "zip-climbs": Submission(archives.zip_that_climbs, MEETS, "a note on a file, which is not outside", ZIPPED),
    "zip-absolute": Submission(archives.zip_with_absolute_path, MEETS, "a note on a file, not outside", ZIPPED),
    "zip-link": Submission(archives.zip_with_a_link, NOT_SCORED, "the weights are a link", ZIPPED),
    "zip-bomb": Submission(archives.zip_bomb, NOT_SCORED, "it unpacks to too much", ZIPPED),
    "zip-many-files": Submission(archives.zip_of_many_files, NOT_SCORED, "it holds too many files", ZIPPED),
}

_INTERFACE = {
    "batch-16": Submission(saved(interface.batch_size_of_16), SCORED, "it takes 16 sequences at a time"),
    "batch-32": Submission(saved(interface.batch_size_of_32), SCORED, "it takes 32 sequences at a time"),
    "lstm-16": Submission(saved(interface.lstm_for_16), SCORED, "it computes 16 sequences at a time"),
    "float-input": Submission(saved(interface.float_placeholder), SCORED, "input_frames has dtype float32"),
    "input-with-default": Submission(
        saved(interface.placeholder_with_default), SCORED, "input_frames is made by tf.placeholder_with_default"
    ),
    "pipeline-as-default": Submission(
        saved(interface.pipeline_as_default), SCORED, "input_frames is made by tf.placeholder_with_default"
    ),
    "wrong-order": Submission(saved(interface.wrong_order), SCORED, "joint_pos before input_frames"),
    "normalized-collected": Submission(
        saved(interface.normalized_input_collected), SCORED, "truediv_1:0 instead of input_frames"
    ),
    "no-collection": Submission(saved(interface.no_collection), SCORED, "the collection holds nothing"),
    "no-collection-no-names": Submission(
        saved(interface.no_collection_and_other_names), NOT_SCORED, "the collection holds nothing"
    ),
    "three-collected": Submission(saved(interface.three_in_collection), SCORED, "the collection holds labels:0 too"),
    "other-names": Submission(saved(interface.other_names), SCORED, "x:0 instead of input_frames, and y:0"),
    "markup-in-collection": Submission(
        interface.collection_that_holds("<b>joint_pos</b>:0"), SCORED, "what the collection holds, as text"
    ),
    "flat": Submission(saved(interface.shaped("flat", -1, 140)), SCORED, "joint_pos has shape (1, 140)"),
    "x-alone": Submission(saved(interface.x_alone), NOT_SCORED, "joint_pos has shape (1, 70)"),
    "14": Submission(saved(interface.shaped("14", -1, 10, 14)), SCORED, "joint_pos has shape (1, 10, 14)"),
    "frame-by-frame": Submission(
        saved(interface.shaped("frames", -1, 7, 2)), SCORED, "joint_pos has shape (10, 7, 2) for 1 sequence"
    ),
    "last-frame": Submission(saved(interface.last_frame_alone), NOT_SCORED, "joint_pos has shape (1, 7, 2)"),
    "first-sequence": Submission(saved(interface.first_sequence_alone), SCORED, "one sequence's answer for three"),
    "float64": Submission(saved(interface.double_precision), SCORED, "joint_pos has dtype float64"),
    "keep-prob": Submission(saved(interface.keep_prob_to_feed), NOT_SCORED, "it needs keep_prob"),
    "is-training": Submission(saved(interface.is_training_to_feed), NOT_SCORED, "it needs is_training"),
    "iterator": Submission(saved(interface.iterator_to_feed), NOT_SCORED, "it needs an iterator, not input_frames"),
    "cudnn": Submission(interface.lstm_of_cudnn, NOT_GRADED, "it needs a GPU; with one it is scored"),
}

_BROKEN = {
    "no-graph": Submission(broken.without_file(META), NOT_SCORED, "my_model.meta is missing"),
    "no-data": Submission(broken.without_file(DATA), NOT_SCORED, f"{DATA} is missing"),
    "variable-missing": Submission(
        broken.with_weights_of(broken.without_last_layer), NOT_SCORED, "the weights lack positions"
    ),
    "other-shapes": Submission(broken.with_weights_of(broken.wider), NOT_SCORED, "the weights have other shapes"),
    "data-cut-short": Submission(broken.cut_short(DATA), NOT_SCORED, "the weights are damaged"),
    "index-cut-short": Submission(broken.cut_short(INDEX), NOT_SCORED, "the weights are damaged"),
    "graph-cut-short": Submission(broken.cut_short(META), NOT_SCORED, "the graph cannot be loaded"),
    "flipped-bit": Submission(broken.flipped_bit, NOT_SCORED, "the weights are damaged"),
    "text-for-graph": Submission(broken.text_for_a_graph, NOT_SCORED, "the graph cannot be loaded"),
    "unknown-op": Submission(broken.unknown_op, NOT_SCORED, "FlashPoseV9"),
    "unknown-attribute": Submission(broken.unknown_attribute, MEETS, "nothing, or a refusal that names grad_z"),
    "node-missing": Submission(broken.node_that_is_missing, NOT_SCORED, "removed_layer"),
}

_ANSWERS = {
    "nan-on-one-colour": Submission(saved(answers.nan_on_one_colour), MEETS, "NaN for a frame of one colour"),
    "diverged": Submission(saved(answers.diverged), NOT_SCORED, "all answers are NaN"),
    "batch-norm-training": Submission(
        saved(answers.batch_norm_in_training_mode), MEETS, "answers depend on the others in the batch"
    ),
    "batch-mean": Submission(saved(answers.minus_the_batch_mean), MEETS, "answers depend on the others in the batch"),
    "dropout-on": Submission(saved(answers.dropout_left_on), MEETS, "answers differ from run to run"),
    "mean-pose": Submission(saved(answers.mean_pose_always), MEETS, "one pose, whatever the frames show"),
    "x-y-swapped": Submission(saved(answers.x_and_y_swapped), MEETS, "far worse than the mean pose"),
    "left-right-swapped": Submission(saved(answers.left_and_right_swapped), MEETS, "worse than the mean pose"),
    "not-in-pixels": Submission(saved(answers.not_in_pixels), MEETS, "far worse than the mean pose"),
}

HOSTILE = {
    "py-func": Submission(saved(hostile.python_function), NOT_SCORED, "refused PyFunc"),
    "read-file": Submission(saved(hostile.file_reader), NOT_SCORED, "refused ReadFile"),
    "write-file": Submission(saved(hostile.file_writer), NOT_SCORED, "refused WriteFile"),
    "print": Submission(saved(hostile.printer), NOT_SCORED, "refused Print"),
    "abort": Submission(saved(hostile.abort), NOT_SCORED, "refused Abort"),
    "endless-loop": Submission(saved(hostile.endless_loop), NOT_SCORED, "stopped when its time was up"),
    "memory-at-once": Submission(saved(hostile.memory_at_once), NOT_SCORED, "out of memory, or its time was up"),
    "memory-by-little": Submission(
        saved(hostile.memory_little_by_little), NOT_SCORED, "out of memory, or its time was up"
    ),
    "huge-constant": Submission(hostile.huge_constant, NOT_SCORED, "its constants are too large"),
    "recursion": Submission(hostile.endless_recursion, NOT_SCORED, "its process died, or it was refused"),
    "link": Submission(hostile.link_to_a_file_elsewhere, NOT_SCORED, f"{DATA} is a link"),
    "folder-link": Submission(hostile.link_to_a_folder_elsewhere, NOT_SCORED, "no model, only a link"),
}

CATALOGUE: dict[str, Submission] = {
    **_FINE,
    **_FOLDERS,
    **ARCHIVES,
    **_INTERFACE,
    **_BROKEN,
    **_ANSWERS,
    **HOSTILE,
}
