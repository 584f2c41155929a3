from itertools import pairwise

import numpy as np
import pytest

from pipeline.batch_part import shard_cuts, worker_part


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize(("workers", "shards"), [(1, 1), (2, 2), (3, 3), (1, 4), (2, 4), (4, 4)])
def test_workers_parts_cover_each_batch_once_in_shards_as_numpy_cuts_it(total, workers, shards):
    cuts = [shard_cuts(worker_part(worker, workers, shards), total) for worker in range(workers)]
    pieces = [np.arange(*ends) for of_worker in cuts for ends in pairwise(of_worker)]
    assert len(pieces) == shards
    np.testing.assert_array_equal(np.concatenate(pieces), np.arange(total))
    sizes = [len(piece) for piece in pieces]
    assert sorted(sizes) == sorted(len(piece) for piece in np.array_split(np.arange(total), shards))


def test_shards_do_not_depend_on_the_number_of_workers():
    for total in range(1, 10):
        alone = shard_cuts(worker_part(0, 1, 4), total)
        of_two = [shard_cuts(worker_part(worker, 2, 4), total) for worker in (0, 1)]
        assert alone == [*of_two[0], *of_two[1][1:]]
