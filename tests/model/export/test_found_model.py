import os
import shutil

import pytest

from model.export.contract import examined_model
from model.export.found_model import find_model
from pipeline.tensorflow_v1 import tf
from tests.model.export.foreign_model import foreign_network


@pytest.fixture
def positions_of(people):
    """A function that checks how each breach begins, and the notes; returns the positions of three sequences."""

    def positions_of(folder, *beginnings, notes=()):
        with examined_model(str(folder)) as examined:
            assert [line[: len(text)] for line, text in zip(examined.breaches, beginnings, strict=True)] == [
                *beginnings
            ]
            assert examined.notes == list(notes)
            return examined.predictor.predict(people.frames[:3]).tolist()

    return positions_of


def rename(folder, old, new):
    for name in os.listdir(folder):
        if name.startswith(old + "."):
            (folder / name).rename(folder / name.replace(old, new, 1))


@pytest.mark.parametrize("name", [".DS_Store", "PA4.py", "report.pdf"])
def test_a_model_with_extra_files_is_scored(name, folder, fine_model, positions_of):
    (folder / name).write_bytes(b"something")
    assert positions_of(folder, notes=[f"{name} does not belong to the model"]) == positions_of(fine_model)


@pytest.mark.parametrize("name", ["model-2", "my_model.ckpt", "PA4[final]"])
def test_a_model_under_another_name_is_scored(name, folder, fine_model, positions_of):
    rename(folder, "my_model", name)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{name}"\n')
    beginnings = f"the graph is saved as {name}.meta, not my_model.meta", f"the weights are saved as {name}, not"
    assert positions_of(folder, *beginnings) == positions_of(fine_model)


def test_weights_under_another_name_than_the_graph_are_restored(folder, fine_model, positions_of):
    rename(folder, "my_model", "model-2")
    (folder / "model-2.meta").rename(folder / "my_model.meta")
    assert positions_of(folder, "the weights are saved as model-2, not my_model") == positions_of(fine_model)


@pytest.mark.parametrize("inner", ["my_model", "PA4/final", "model", "checkpoint", "a/b/c/d/e/f/g", ".hidden"])
def test_a_model_in_a_subfolder_is_scored(inner, fine_model, tmp_path, positions_of):
    shutil.copytree(fine_model, tmp_path / "handed in" / inner)
    (tmp_path / "handed in" / "report.pdf").touch()
    (tmp_path / "handed in" / "__MACOSX").mkdir()
    (tmp_path / "handed in" / "__MACOSX" / "._my_model.meta").touch()
    note = f"the model is in the subfolder {inner}"
    assert positions_of(tmp_path / "handed in", notes=[note]) == positions_of(fine_model)


def test_the_exported_model_of_a_run_is_scored(fine_model, tmp_path, positions_of):
    for inner in ("model", "checkpoints/best-7", "checkpoints/best-9"):
        shutil.copytree(fine_model, tmp_path / "run" / inner)
    assert positions_of(tmp_path / "run", notes=["the model is in the subfolder model"]) == positions_of(fine_model)


def test_brackets_in_a_path_are_not_a_pattern(fine_model, tmp_path, positions_of):
    copied = shutil.copytree(fine_model, tmp_path / "lab [1-3] *" / "model")
    assert positions_of(copied) == positions_of(fine_model)


def test_a_model_without_checkpoint_is_scored(folder, fine_model, positions_of):
    (folder / "checkpoint").unlink()
    assert positions_of(folder, "the file checkpoint is missing") == positions_of(fine_model)


def test_a_model_with_an_absolute_path_in_checkpoint_is_scored(folder, fine_model, positions_of):
    (folder / "checkpoint").write_text('model_checkpoint_path: "/home/student/my_model"\n')
    assert positions_of(folder, "the file checkpoint has the absolute path") == positions_of(fine_model)


def test_the_model_with_the_right_name_is_scored(folder, fine_model, positions_of):
    for name in ("my_model.meta", "my_model.index", "my_model.data-00000-of-00001"):
        shutil.copy(folder / name, folder / name.replace("my_model", "my_model-100"))
    notes = ["the weights used are my_model, which the file checkpoint names; there are also my_model-100"]
    notes.append("my_model-100.meta does not belong to the model")
    assert positions_of(folder, notes=notes) == positions_of(fine_model)


def only_breach(folder):
    found = find_model(str(folder))
    [breach] = found.breaches
    assert found.graph == found.weights == ""
    return breach


def test_several_models_are_listed(fine_model, tmp_path):
    for inner in ("first", "second"):
        shutil.copytree(fine_model, tmp_path / inner)
    assert only_breach(tmp_path) == "there are 2 models, in first, second; give the folder of one"


def test_several_graphs_are_listed(folder):
    rename(folder, "my_model", "model-1")
    shutil.copy(folder / "model-1.meta", folder / "model-2.meta")
    (folder / "checkpoint").write_text('model_checkpoint_path: "model-3"\n')
    found = find_model(str(folder))
    assert found.graph == "" and found.breaches[0].startswith("there are 2 graphs, model-1, model-2;")
    assert found.notes == []


def test_other_files_are_listed(tmp_path):
    assert only_breach(tmp_path).startswith("no saved model found: the folder is empty")
    (tmp_path / "notes.txt").touch()
    assert only_breach(tmp_path).startswith("no saved model found: the folder contains notes.txt")


def test_a_folder_with_too_many_files_is_searched_in_part(tmp_path, monkeypatch, fine_model):
    monkeypatch.setattr("model.export.submitted_files.MOST_ENTRIES", 50)
    for number in range(60):
        (tmp_path / "handed in" / str(number)).mkdir(parents=True)
    shutil.copytree(fine_model, tmp_path / "handed in" / "59" / "model")
    breach = only_breach(tmp_path / "handed in")
    assert breach == "no saved model found: the folder is too large to be searched; give the folder of the model"
    shutil.copytree(fine_model, tmp_path / "handed in" / "model" / "nearer")
    shutil.rmtree(tmp_path / "handed in" / "59" / "model")
    for number in range(15, 60):
        (tmp_path / "handed in" / str(number)).rmdir()
    assert find_model(str(tmp_path / "handed in")).folder == str(tmp_path / "handed in" / "model" / "nearer")


def test_folders_too_deep_for_a_path_are_not_searched(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(30):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    assert "the folder is too large to be searched" in only_breach(tmp_path)


@pytest.mark.promise("A saved model can read only the files in its own folder")
def test_a_link_to_a_folder_is_not_followed(fine_model, tmp_path):
    (tmp_path / "handed in").mkdir()
    (tmp_path / "handed in" / "my_model").symlink_to(fine_model)
    assert only_breach(tmp_path / "handed in").startswith(
        "no saved model found: my_model is a link, which is not followed;"
    )


def test_a_checkpoint_file_with_very_many_paths_gives_few_messages(folder):
    (folder / "checkpoint").write_text("".join(f'model_checkpoint_path: "/home/{n}"\n' for n in range(22000)))
    assert len(find_model(str(folder)).breaches) == 6


# What is said of a folder without a model


@pytest.mark.parametrize(
    "names, what",
    [
        (["saved_model.pb", "variables/variables.index"], "saved_model.pb is a SavedModel; save the model with"),
        (["best.h5"], "best.h5 is an HDF5 file, as Keras saves it; save the model with tf.train.Saver"),
        (["PA4/net.pth", "PA4/net.py"], "PA4/net.pth is a PyTorch model; train the model with TensorFlow"),
        (["report.pdf", "PA4.rar"], "PA4.rar is an archive; unpack it"),
        (["a/b/c/model.tar.gz"], "a/b/c/model.tar.gz is an archive; unpack it"),
        (["PA4.ipynb", "report.pdf"], "the folder contains PA4.ipynb, report.pdf; save the model with tf.train.Saver"),
    ],
)
def test_what_there_is_in_place_of_a_model_is_said(names, what, tmp_path):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert only_breach(tmp_path).startswith(f"no saved model found: {what}")


@pytest.mark.parametrize("inner", ["", "PA4/weights"])
def test_weights_without_a_graph_are_said_to_lack_it(inner, fine_model, tmp_path):
    shutil.copytree(fine_model, tmp_path / inner, dirs_exist_ok=True)
    (tmp_path / inner / "my_model.meta").unlink()
    assert only_breach(tmp_path).startswith("the file my_model.meta is missing, which contains the graph;")


def test_a_part_of_a_model_does_not_hide_a_model_below_it(fine_model, tmp_path, positions_of):
    shutil.copytree(fine_model, tmp_path / "PA4" / "model")
    shutil.copy(fine_model / "checkpoint", tmp_path)
    shutil.copy(fine_model / "my_model.meta", tmp_path / "PA4")
    assert positions_of(tmp_path, notes=["the model is in the subfolder PA4/model"]) == positions_of(fine_model)


def test_what_a_mac_writes_beside_each_file_is_no_model(folder, fine_model, positions_of):
    names = sorted(f"._{name}" for name in os.listdir(folder))
    for name in names:
        (folder / name).write_bytes(b"finder")
    notes = [f"{name} does not belong to the model" for name in names]
    assert positions_of(folder, notes=notes) == positions_of(fine_model)


# Which weights


@pytest.fixture(scope="module")
def newer_model(tmp_path_factory):
    """The valid model with other weights, saved as my_model-500."""
    folder = tmp_path_factory.mktemp("newer")
    with tf.Graph().as_default(), tf.Session() as session:
        foreign_network()
        session.run(tf.global_variables_initializer())
        session.run([tf.assign(variable, 2 * variable) for variable in tf.global_variables()])
        tf.train.Saver(save_relative_paths=True).save(session, str(folder / "my_model"), global_step=500)
    return folder


@pytest.fixture
def positions_by_tensorflow(people):
    """A function that restores weights as TensorFlow's documentation says, and returns the same positions."""

    def positions_by_tensorflow(graph, weights):
        with tf.Graph().as_default(), tf.Session() as session:
            tf.train.import_meta_graph(str(graph)).restore(session, str(weights))
            return session.run("joint_pos:0", {"input_frames:0": people.frames[:3]}).tolist()

    return positions_by_tensorflow


def copy_weights(model, name, folder):
    folder.mkdir(exist_ok=True)
    for ending in ("index", "data-00000-of-00001"):
        shutil.copy(model / f"{name}.{ending}", folder)


@pytest.mark.parametrize(
    "path, breaches",
    [
        ("my_model-500", []),
        ("./my_model-500", []),
        ("/home/zo\\303\\253/my_model-500", ["the file checkpoint has the absolute path /home/zoë/my_model-500;"]),
        (r"C:\\work\\my_model-500", [r"the file checkpoint has the absolute path C:\work\my_model-500;"]),
        (r"C:\Users\my_model-500", [r"the file checkpoint has the absolute path C:\Users\my_model-500;"]),
        ("../other/my_model-500", ["the file checkpoint names ../other/my_model-500, outside the folder;"]),
    ],
)
def test_the_weights_that_checkpoint_names_are_restored(
    path, breaches, folder, newer_model, positions_of, positions_by_tensorflow
):
    copy_weights(newer_model, "my_model-500", folder)
    (folder / "checkpoint").write_text(f'  model_checkpoint_path : "{path}"\nall_model_checkpoint_paths: "my_model"\n')
    breaches = ["the weights are saved as my_model-500, not my_model", *breaches]
    note = "the weights used are my_model-500, which the file checkpoint names; there are also my_model"
    expected = positions_by_tensorflow(newer_model / "my_model-500.meta", newer_model / "my_model-500")
    assert positions_of(folder, *breaches, notes=[note]) == expected
    assert positions_by_tensorflow(folder / "my_model.meta", folder / "my_model") != expected


def test_weights_that_checkpoint_names_in_a_subfolder_are_restored(
    folder, newer_model, positions_of, positions_by_tensorflow
):
    copy_weights(newer_model, "my_model-500", folder / "saved")
    (folder / "checkpoint").write_text('model_checkpoint_path: "saved/my_model-500"\n')
    note = "the weights used are saved/my_model-500, which the file checkpoint names; there are also my_model"
    expected = positions_by_tensorflow(newer_model / "my_model-500.meta", newer_model / "my_model-500")
    assert positions_of(folder, "the weights are saved as saved/my_model-500, not", notes=[note]) == expected


@pytest.mark.promise("A saved model can read only the files in its own folder")
@pytest.mark.parametrize("path", ["../newer/my_model-500", "{newer}/my_model-500", "link/my_model-500"])
def test_weights_outside_the_folder_are_not_restored(path, folder, newer_model, fine_model, people):
    shutil.copytree(newer_model, folder.parent / "newer")
    (folder / "link").symlink_to(newer_model)
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{path.format(newer=newer_model)}"\n')
    found = find_model(str(folder))
    assert found.weights == str(folder / "my_model")
    assert found.weight_files == [str(folder / "my_model.data-00000-of-00001")]


def test_weights_that_checkpoint_names_but_that_are_incomplete_are_not_used(
    folder, newer_model, fine_model, positions_of
):
    shutil.copy(newer_model / "my_model-500.index", folder)
    (folder / "checkpoint").write_text('model_checkpoint_path: "my_model-500"\n')
    breach = "the file checkpoint names my_model-500, not my_model;"
    notes = ["my_model-500.index does not belong to the model"]
    assert positions_of(folder, breach, notes=notes) == positions_of(fine_model)


@pytest.mark.parametrize("is_sharded", [False, True])
@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize("name", ["V1", "V1 [new]*"])
def test_weights_in_the_format_v1_are_restored(
    is_sharded, has_checkpoint, name, fine_model, tmp_path, positions_of, monkeypatch
):
    with tf.Graph().as_default(), tf.Session() as session:
        foreign_network()
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver(write_version=tf.train.SaverDef.V1, sharded=is_sharded, save_relative_paths=True)
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        saved = saver.save(session, "my_model")
    files = {"checkpoint", "my_model.meta", "my_model-00000-of-00001" if is_sharded else "my_model"}
    assert set(os.listdir(".")) == files
    breaches = [f"the weights are saved as {saved} in the old format V1;"]
    if not has_checkpoint:
        os.remove("checkpoint")
        breaches.insert(0, "the file checkpoint is missing;")
    assert positions_of(tmp_path / name, *breaches) == positions_of(fine_model)


@pytest.mark.promise("A saved model can read only the files in its own folder")
@pytest.mark.parametrize("name", ["my_model", "my_model-00000-of-00001"])
def test_weights_in_the_format_v1_are_no_link(name, folder, tmp_path):
    for other in ("my_model.index", "my_model.data-00000-of-00001"):
        (folder / other).unlink()
    (tmp_path / "elsewhere").write_bytes(b"secret")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert find_model(str(folder)).weights == ""


@pytest.mark.promise("A saved model can read only the files in its own folder")
def test_the_pattern_of_parts_in_the_format_v1_matches_no_link(fine_model, folder, tmp_path):
    (folder / "my_model.index").rename(folder / "my_model-00000-of-00001")
    (folder / "my_model.data-00000-of-00001").unlink()
    assert find_model(str(folder)).weights == str(folder / "my_model-?????-of-00001")
    (folder / "my_model-abcde-of-00001").symlink_to(tmp_path / "elsewhere")
    found = find_model(str(folder))
    assert found.weights == ""
    assert any(line.startswith("my_model-abcde-of-00001 is a link or device;") for line in found.breaches)
