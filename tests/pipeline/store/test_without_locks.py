import errno
import fcntl
import os
import threading

import numpy as np
import pytest

from pipeline.store.reader import SequenceStore
from tests.support.without_locks import fail_to_lock, needs_seccomp


@needs_seccomp
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS])
def test_a_store_is_read_where_files_cannot_be_locked(number, made_data):
    results = []

    # A filter holds for a thread, and this one ends with the test.
    def read():
        fail_to_lock(number)
        with open(made_data.path, "rb") as file, pytest.raises(OSError, match=os.strerror(number)):
            fcntl.flock(file, fcntl.LOCK_SH)
        with SequenceStore(made_data.path) as store:
            results.append(store.read_labels(np.arange(3)))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    [labels] = results
    np.testing.assert_array_equal(labels, made_data.labels[:3])
