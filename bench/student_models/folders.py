"""Models that are fine, in folders that are not."""

from __future__ import annotations

from pathlib import Path

from bench.student_models.networks import convolution_and_basic_lstm, dense_only
from bench.student_models.saving import NAME, Builder, save_network
from pipeline.tensorflow_v1 import tf

# Between the seeds of two models of one student: other students have those in between.
ANOTHER = 1000
REPORT = b"%PDF-1.4\n%%EOF\n"
FINDER_INFORMATION = b"\x00\x00\x00\x01Bud1"


def with_other_files(path: Path, seed: int) -> None:
    """The code, the report and what a Mac leaves, beside the four files."""
    save_network(path, dense_only, seed)
    (path / "PA4.py").write_text("import tensorflow as tf\n")
    (path / "report.pdf").write_bytes(REPORT)
    (path / ".DS_Store").write_bytes(FINDER_INFORMATION)
    (path / "__MACOSX").mkdir()
    (path / "__MACOSX" / f"._{NAME}.meta").write_bytes(FINDER_INFORMATION)


def with_hidden_file(path: Path, seed: int) -> None:
    """Nothing but .DS_Store beside the four files."""
    save_network(path, dense_only, seed)
    (path / ".DS_Store").write_bytes(FINDER_INFORMATION)


def with_control_characters(path: Path, seed: int) -> None:
    """A file beside the four whose name would colour a terminal, go to the next line and be HTML."""
    save_network(path, dense_only, seed)
    (path / "notes\x1b[31m\n<b>ok<b>.txt").write_text("nothing\n")


def one_level_down(path: Path, seed: int) -> None:
    """The four files in a folder of the folder."""
    save_network(path / "PA4", dense_only, seed)


def two_levels_down(path: Path, seed: int) -> None:
    """The four files two folders down, and the code beside."""
    save_network(path / "PA4" / "model", dense_only, seed)
    (path / "PA4" / "PA4.py").write_text("import tensorflow as tf\n")


def four_levels_down(path: Path, seed: int) -> None:
    """The four files four folders down, as a zip of a folder of a download has them, and the report beside."""
    save_network(path / "PA4" / "submission" / "results" / "model", dense_only, seed)
    (path / "PA4" / "report.pdf").write_bytes(REPORT)


def whole_run(path: Path, seed: int) -> None:
    """The folder of a run of train.py in place of its folder `model`: its checkpoint is another set of weights."""
    save_network(path / "model", convolution_and_basic_lstm, seed)
    save_network(path / "checkpoints" / "best-225", convolution_and_basic_lstm, seed + ANOTHER)
    (path / "plots").mkdir()
    (path / "config.json").write_text("{}\n")
    (path / "metrics.json").write_text("{}\n")
    (path / "history.csv").write_text("step,epoch,seconds,train_loss,validation_loss,validation_pixel_error\n")
    (path / "report.html").write_text("<!doctype html><title>report</title>\n")


def two_models_in_a_folder(path: Path, seed: int) -> None:
    """A first attempt beside the four files; `checkpoint` names my_model."""
    save_network(path, dense_only, seed + ANOTHER, "first_try")
    save_network(path, dense_only, seed)


def two_unknown_models(path: Path, seed: int) -> None:
    """Two models in one folder, neither of which is called my_model or named by a checkpoint."""
    for number, name in enumerate(("first", "second")):
        save_network(path, dense_only, seed + number * ANOTHER, name)
    (path / "checkpoint").unlink()


def a_model_in_each_of_two_folders(path: Path, seed: int) -> None:
    """Two folders, a model in each."""
    for number, name in enumerate(("attempt1", "attempt2")):
        save_network(path / name, dense_only, seed + number * ANOTHER)


def without_checkpoint(path: Path, seed: int) -> None:
    """The four files except `checkpoint`; the weights can be read without it."""
    save_network(path, dense_only, seed)
    (path / "checkpoint").unlink()


def weights_of_another_name(path: Path, seed: int) -> None:
    """my_model.meta, and the weights saved with a step: model-2.index and model-2.data-00000-of-00001."""
    save_network(path, dense_only, seed, "model-2")
    (path / "model-2.meta").rename(path / f"{NAME}.meta")


def newer_weights_of_another_name(path: Path, seed: int) -> None:
    """my_model of an early step, and my_model-500, which `checkpoint` names."""
    save_network(path, dense_only, seed + ANOTHER)
    save_network(path, dense_only, seed, f"{NAME}-500")


def newer_weights_in_a_subfolder(path: Path, seed: int) -> None:
    """my_model of an early step, and in a subfolder the weights that `checkpoint` names."""
    save_network(path / "saved", dense_only, seed, f"{NAME}-500")
    save_network(path, dense_only, seed + ANOTHER)
    naming = f'model_checkpoint_path: "saved/{NAME}-500"\n'
    (path / "checkpoint").write_text(naming)


def weights_in_format_v1(is_sharded: bool) -> Builder:
    """The builder of a model whose weights are in one file without an ending, or in numbered parts of it."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed, write_version=tf.train.SaverDef.V1, sharded=is_sharded)

    return build


def graph_as_text(path: Path, seed: int) -> None:
    """my_model.meta as tf.train.export_meta_graph writes it with as_text=True."""
    save_network(path, dense_only, seed)
    file = path / f"{NAME}.meta"
    file.write_text(str(tf.MetaGraphDef.FromString(file.read_bytes())))


def weights_without_graph(path: Path, seed: int) -> None:
    """What tf.train.Checkpoint and Keras's save_weights leave: weights, and `checkpoint`."""
    save_network(path, dense_only, seed)
    (path / f"{NAME}.meta").unlink()


def keras_file(path: Path, seed: int) -> None:
    """What Keras's model.save leaves, and the code."""
    code_only(path, seed)
    (path / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")


def saved_as(name: str) -> Builder:
    """The builder of a model of which all files but `checkpoint` have another name."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed, name)

    return build


def naming_in_checkpoint(text: str) -> Builder:
    """The builder of a model whose `checkpoint` names this path, written as a protocol buffer's text."""

    def build(path: Path, seed: int) -> None:
        save_network(path, dense_only, seed)
        lines = f'model_checkpoint_path: "{text}"\nall_model_checkpoint_paths: "{text}"\n'
        (path / "checkpoint").write_text(lines, encoding="utf-8")

    return build


def empty_folder(path: Path, seed: int) -> None:
    """Nothing was uploaded."""
    path.mkdir()


def text_only(path: Path, seed: int) -> None:
    """A letter in place of a model."""
    path.mkdir()
    (path / "readme.txt").write_text("Sorry, I will upload it on Monday.\n")


def code_only(path: Path, seed: int) -> None:
    """The code and the report, without a model."""
    path.mkdir()
    (path / "PA4.py").write_text("import tensorflow as tf\n")
    (path / "report.pdf").write_bytes(REPORT)


def keras_saved_model(path: Path, seed: int) -> None:
    """What Keras saves: saved_model.pb, and the weights in the folder `variables`."""
    save_network(path / "variables", dense_only, seed, "variables")
    (path / "variables" / "variables.meta").rename(path / "saved_model.pb")
    (path / "variables" / "checkpoint").unlink()


def shared_with_a_friend(path: Path, seed: int) -> None:
    """The same weights whatever the seed: two students hand them in."""
    save_network(path, dense_only, 7777)


def copied_and_renamed(path: Path, seed: int) -> None:
    """The weights of shared_with_a_friend, under another name."""
    shared_with_a_friend(path, seed)
    for file in sorted(path.glob(f"{NAME}.*")):
        file.rename(path / file.name.replace(NAME, "final_model"))
    checkpoint = path / "checkpoint"
    checkpoint.write_text(checkpoint.read_text().replace(NAME, "final_model"))


def one_level_down_in_brackets(path: Path, seed: int) -> None:
    """The four files in a folder whose name is a pattern."""
    save_network(path / "model [v2]", dense_only, seed)
