"""The seven joints, in the row order of the course's labels, and the limbs that connect them."""

JOINT_NAMES = (
    "head",
    "right wrist",
    "left wrist",
    "right elbow",
    "left elbow",
    "right shoulder",
    "left shoulder",
)

# The row of each joint after mirroring: right joints become left ones.
MIRRORED_JOINTS = (0, 2, 1, 4, 3, 6, 5)

LIMBS = (
    ("right wrist", "right elbow"),
    ("right elbow", "right shoulder"),
    ("right shoulder", "left shoulder"),
    ("left shoulder", "left elbow"),
    ("left elbow", "left wrist"),
    ("head", "right shoulder"),
    ("head", "left shoulder"),
)
