from matryo.reports.name_places import Box, Place, along, free_box

ROOM = Box(0, 0, 100, 100)


def test_right_comes_first_then_what_is_free():
    at = Place(50, 50)
    assert free_box(at, 20, 4, ROOM, [], [5]) == (Box(55, 48, 75, 52), 5)
    right = Box(54, 40, 100, 60)
    assert free_box(at, 20, 4, ROOM, [right], [5]) == (Box(25, 48, 45, 52), 5)
    around = [Box.around(Place(50, 50), 12)]
    found = free_box(at, 20, 4, ROOM, around, [5, 14])
    assert found == (Box(64, 48, 84, 52), 14)


def test_none_where_there_is_no_room():
    assert free_box(Place(50, 50), 20, 4, ROOM, [ROOM], [5, 50]) is None
    assert free_box(Place(50, 50), 200, 4, ROOM, [], [5]) is None


def test_boxes_follow_a_line():
    boxes = list(along([Place(0, 0), Place(10, 0), Place(10, 8)]))
    assert boxes[0].middle == Place(0, 0) and boxes[-1].middle == Place(10, 8)
    assert all(a.middle.x - b.middle.x <= 5.1 for a, b in zip(boxes[1:], boxes, strict=False))
    assert list(along([Place(1, 1)])) == []
