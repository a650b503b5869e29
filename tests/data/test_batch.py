import torch

from groundup.data import Batch


def make_batch(document_mask):
    ids = torch.arange(12).view(4, 3)
    extra = {"document_ids": ids % 2, "positions": ids % 3} if document_mask else {}
    return Batch(inputs=ids, targets=ids + 1, loss_mask=ids % 4 != 0, **extra)


def test_rows_are_views_of_every_field():
    batch = make_batch(document_mask=True)
    part = batch.rows(slice(1, 3))
    assert part.inputs.tolist() == [[3, 4, 5], [6, 7, 8]]
    assert part.targets.tolist() == [[4, 5, 6], [7, 8, 9]]
    assert part.loss_mask.tolist() == [[True, False, True], [True, True, False]]
    assert part.document_ids.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert part.positions.tolist() == [[0, 1, 2], [0, 1, 2]]
    assert part.inputs.data_ptr() == batch.inputs[1].data_ptr()


def test_what_is_absent_stays_absent():
    batch = make_batch(document_mask=False)
    for other in (batch.rows(slice(2)), batch.to("cpu")):
        assert other.document_ids is None
        assert other.positions is None


def test_to_moves_every_field():
    moved = make_batch(document_mask=True).to("meta")
    fields = (moved.inputs, moved.targets, moved.loss_mask, moved.document_ids, moved.positions)
    assert all(field.device.type == "meta" for field in fields)


def test_to_keeps_the_values():
    batch = make_batch(document_mask=True)
    moved = batch.to(torch.device("cpu"), non_blocking=True)
    assert torch.equal(moved.inputs, batch.inputs)
    assert torch.equal(moved.positions, batch.positions)
