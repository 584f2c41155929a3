"""Control groups as in /proc and /sys of real machines, rebuilt in a folder."""

import pytest

from support.cgroup import cpu_limit, memory_left, memory_limit

V2 = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
V1_CPU = "32 31 0:29 {mounted} /sys/fs/cgroup/cpu,cpuacct ro,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
V1_MEMORY = "35 31 0:32 {mounted} /sys/fs/cgroup/memory ro,relatime - cgroup cgroup rw,memory\n"
GIB = 1 << 30


@pytest.fixture
def system(tmp_path):
    """Writes the files of a system; returns its root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(tmp_path)

    return write


def test_a_container_of_version_2_sees_its_group_as_the_root(system):
    root = system(
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/cpu.max": "150000 100000\n",
            "sys/fs/cgroup/memory.max": f"{2 * GIB}\n",
            "sys/fs/cgroup/memory.current": f"{GIB}\n",
            "sys/fs/cgroup/memory.stat": f"anon 5\ninactive_file {GIB // 4}\nactive_file 7\n",
        }
    )
    assert (cpu_limit(root), memory_limit(root), memory_left(root)) == (1.5, 2 * GIB, GIB + GIB // 4)


def test_the_strictest_of_the_groups_around_a_service_counts(system):
    root = system(
        {
            "proc/self/cgroup": "0::/user.slice/run-1.scope\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
            "sys/fs/cgroup/user.slice/memory.max": f"{3 * GIB}\n",
            "sys/fs/cgroup/user.slice/memory.current": f"{3 * GIB - 5}\n",
            "sys/fs/cgroup/user.slice/run-1.scope/cpu.max": "50000 25000\n",
            "sys/fs/cgroup/user.slice/run-1.scope/memory.max": f"{4 * GIB}\n",
            "sys/fs/cgroup/user.slice/run-1.scope/memory.current": "5\n",
        }
    )
    assert (cpu_limit(root), memory_limit(root), memory_left(root)) == (2.0, 3 * GIB, 5)


@pytest.mark.parametrize("mounted", ["/docker/abc", "/"])
def test_version_1_with_and_without_the_containers_own_root(mounted, system):
    below = "" if mounted != "/" else "docker/abc/"
    memory, cpu = f"sys/fs/cgroup/memory/{below}", f"sys/fs/cgroup/cpu,cpuacct/{below}"
    root = system(
        {
            "proc/self/cgroup": "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
            "proc/self/mountinfo": V1_CPU.format(mounted=mounted) + V1_MEMORY.format(mounted=mounted),
            f"{cpu}cpu.cfs_quota_us": "300000\n",
            f"{cpu}cpu.cfs_period_us": "100000\n",
            f"{memory}memory.limit_in_bytes": f"{GIB}\n",
            f"{memory}memory.usage_in_bytes": "1000\n",
            f"{memory}memory.stat": "inactive_file 1\ntotal_inactive_file 400\n",
        }
    )
    assert (cpu_limit(root), memory_limit(root), memory_left(root)) == (3.0, GIB, GIB - 600)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2},
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/cpu.max": "max 100000\n",
            "sys/fs/cgroup/memory.max": "max\n",
        },
        {
            "proc/self/cgroup": "5:memory:/\n4:cpu,cpuacct:/\n",
            "proc/self/mountinfo": V1_CPU.format(mounted="/") + V1_MEMORY.format(mounted="/"),
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        },
        {"proc/self/cgroup": "nonsense\n", "proc/self/mountinfo": "a - b\n - cgroup\n35 31 0:32 / /sys - cgroup\n"},
    ],
)
def test_without_a_limit_there_is_none(files, system):
    root = system(files)
    assert (cpu_limit(root), memory_limit(root), memory_left(root)) == (None, None, None)
