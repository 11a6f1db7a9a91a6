"""Which of several equal elements torch names, where it sorts or selects without keeping their order.

torch calls the C++ library's `std::sort` and `std::nth_element`, as in GCC's libstdc++ (introsort with a pivot from
three elements), and for `kthvalue` a quickselect of its own. Here they go step by step over the indices of one row, for
rows in which elements are equal: what is named then depends on nothing but the steps.

Source: https://gcc.gnu.org/onlinedocs/libstdc++/latest-doxygen/a00050_source.html and aten/src/ATen/native/Sorting.cpp
of https://github.com/pytorch/pytorch
"""

from __future__ import annotations

from typing import Any

INTERNAL = True
_FEW = 16  # elements that std::sort leaves to the insertion sort at its end


def sort_order(keys: list[Any]) -> list[int]:
    """The indices of `keys` in the order that `std::sort` leaves them in."""
    return sort_part(list(range(len(keys))), keys, len(keys))


def sort_part(order: list[int], keys: list[Any], count: int) -> list[int]:
    """`order` with its first `count` indices sorted by their keys."""
    parts = [(0, count)]
    while parts:
        first, last = parts.pop()
        while last - first > _FEW:
            cut = _partition(order, keys, first, last)
            parts.append((cut, last))
            last = cut
    _insertion_sort(order, keys, 0, count)
    return order


def nth_order(keys: list[Any], nth: int) -> list[int]:
    """The indices of `keys` as `std::nth_element` leaves them: the `nth` in its place, the smaller ones before it."""
    order = list(range(len(keys)))
    first, last = 0, len(order)
    while last - first > 3:
        cut = _partition(order, keys, first, last)
        first, last = (cut, last) if cut <= nth else (first, cut)
    _insertion_sort(order, keys, first, last)
    return order


def _partition(order: list[int], keys: list[Any], first: int, last: int) -> int:
    """Bring what is smaller than a pivot before what is larger, and say where those meet."""
    low, middle, high = first + 1, first + (last - first) // 2, last - 1
    x, y, z = (keys[order[i]] for i in (low, middle, high))
    if x < y:
        median = middle if y < z else high if x < z else low
    elif x < z:
        median = low
    else:
        median = high if y < z else middle
    order[first], order[median] = order[median], order[first]
    pivot = keys[order[first]]
    left, right = first + 1, last
    while True:
        while keys[order[left]] < pivot:
            left += 1
        right -= 1
        while pivot < keys[order[right]]:
            right -= 1
        if left >= right:
            return left
        order[left], order[right] = order[right], order[left]
        left += 1


def _insertion_sort(order: list[int], keys: list[Any], first: int, last: int) -> None:
    for i in range(first + 1, last):
        key, at = keys[order[i]], i
        if key < keys[order[first]]:
            at = first
        while at > first and key < keys[order[at - 1]]:
            at -= 1
        order.insert(at, order.pop(i))


def kth_index(keys: list[Any], k: int) -> int:
    """Where torch's quickselect finds the element that has `k` before it in sorted order."""
    order = list(range(len(keys)))

    def swap(i: int, j: int) -> None:
        order[i], order[j] = order[j], order[i]

    def swap_if_larger(i: int, j: int) -> None:
        if keys[order[i]] > keys[order[j]]:
            swap(i, j)

    left, right = 0, len(order) - 1
    while right > left + 1:
        swap(left + (right - left) // 2, left + 1)
        swap_if_larger(left + 1, right)
        swap_if_larger(left, right)
        swap_if_larger(left + 1, left)
        i, j, pivot = left + 1, right, keys[order[left]]
        while True:
            i += 1
            while keys[order[i]] < pivot:
                i += 1
            j -= 1
            while keys[order[j]] > pivot:
                j -= 1
            if j < i:
                break
            swap(i, j)
        swap(left, j)
        if j <= k:
            left = i
        if j >= k:
            right = j - 1
    if right == left + 1:
        swap_if_larger(left, right)
    return order[k]
