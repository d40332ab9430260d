"""What a student sees while training: the notebook's view and the terminal's lines."""

import re

from course_lib import runs, training, widgets


def test_the_view_follows_training_and_leaves_a_still_picture(tmp_path, monkeypatch):
    shown, updated, bars = [], [], []

    class Handle:
        def update(self, what):
            updated.append(what)

    monkeypatch.setattr(widgets, "display", lambda what, display_id: shown.append(what) or Handle())
    view = widgets.TrainingView()
    pictures = []

    def report(progress):
        view(progress)
        bars.append((view.bar.value, view.bar.max))
        pictures.append(view.picture.value)

    training.train(tmp_path / "run", runs.SIZES["smoke"], report=report)
    assert len(shown) == 1 and bars[-1] == (6, 6)
    assert len(set(pictures)) == 3, "one picture for each of the epochs 0, 1 and 2"
    assert len(updated) == 1 and updated[0].html.count("<img") == 4
    assert "epoch 2 of 2" in updated[0].alt and "PSNR" in updated[0].alt


def test_the_terminal_gets_a_line_for_every_epoch(tmp_path, capfd):
    training.train(tmp_path / "run", runs.SIZES["smoke"], report=training.text_report())
    out, err = capfd.readouterr()
    assert err == ""
    lines = out.splitlines()
    assert len(lines) == 3 and lines[0].startswith("Precision: float32, as asked.")
    assert re.match(r"epoch 1 of 2, .+ left: PSNR \d+\.\d\d dB \([+-]\d+\.\d\d\) .*content loss", lines[1])
    assert re.match(r"epoch 2 of 2, done in", lines[2])


def test_durations_are_readable():
    assert [training.duration(s) for s in (0, 59.6, 125, 12000, 352800)] == ["0 s", "1 min", "2 min 5 s", "3 h 20 min", "4 days 2 h"]
