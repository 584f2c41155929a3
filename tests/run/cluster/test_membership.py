import pytest

from pipeline.tensorflow_v1 import tf
from run.cluster.membership import Workers
from run.cluster.tf_config import Cluster

ADDRESSES = ("10.0.0.1:2222", "10.0.0.2:2222", "10.0.0.3:2222")
# TensorFlow's message when a worker forwards another worker's error.
MESSAGE = """From /job:worker/replica:0/task:0:
Collective ops is aborted by: {reason}
Additional GRPC error information from remote target /job:worker/replica:0/task:2 while calling \
/tensorflow.WorkerService/RecvBuf:
\t [[{{{{node CollectiveReduce}}}}]]"""


class Watch:
    """Records its arguments, where a WorkerWatch would end the process."""

    def wait_for_the_end(self, suspects, reason):
        self.told = (list(suspects), reason)
        raise SystemExit(3)


@pytest.mark.parametrize("kind", ["UnavailableError", "AbortedError", "CancelledError", "FailedPreconditionError"])
def test_a_cluster_error_ends_the_process_and_names_a_suspect(kind):
    watch = Watch()
    workers = Workers(Cluster(ADDRESSES, 0), 0, None, watch)
    error = getattr(tf.errors, kind)(None, None, MESSAGE.format(reason="Connection reset by peer"))
    with pytest.raises(SystemExit), workers.broken_cluster():
        raise error
    assert watch.told == ([2], "Collective ops is aborted by: Connection reset by peer")


def test_the_worker_s_own_error_is_raised():
    workers = Workers(Cluster(ADDRESSES, 0), 0, None, Watch())
    with pytest.raises(tf.errors.InvalidArgumentError), workers.broken_cluster():
        raise tf.errors.InvalidArgumentError(None, None, "shapes differ")
