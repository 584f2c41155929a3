"""Makes COCO keypoints files with pictures of noise."""

import json

import numpy as np
from PIL import Image

# Other names and another order than those of the data set.
NAMES = [
    "Nose",
    "left_eye",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right-elbow",
    "left_wrist",
    "right_wrist",
]
# The column in NAMES of each joint of the data set, in its order.
COLUMNS = [0, 7, 6, 5, 4, 3, 2]


class CocoFile:
    """A COCO file in a folder. Add pictures and people, then write it."""

    def __init__(self, folder):
        self.folder, self.path = folder, folder / "people.json"
        self.random = np.random.default_rng(0)
        self.pictures, self.joints = {}, {}
        self.content = {"images": [], "annotations": [], "categories": [{"id": 4, "name": "p", "keypoints": NAMES}]}

    def picture(self, name, people=1, size=(60, 80), tracks=None, **fields):
        """Adds a lossless picture of noise, (height, width), with random people."""
        pixels = self.random.integers(0, 256, (*size, 3), dtype=np.uint8)
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(self.folder / name)
        self.pictures[name] = pixels
        number = f"n{len(self.content['images'])}"
        self.content["images"].append({"id": number, "file_name": name, "width": size[1], "height": size[0], **fields})
        for person in range(people):
            joints = self.random.uniform(10, 50, (7, 2))
            self.joints.setdefault(name, []).append(joints)
            self.person(number, joints, **({"track_id": tracks[person]} if tracks else {}))

    def person(self, image, joints, visibility=2, **fields):
        keypoints = np.zeros((len(NAMES), 3))
        keypoints[COLUMNS] = np.concatenate([joints, np.full((7, 1), visibility)], axis=1)
        annotation = {"image_id": image, "category_id": 4, "keypoints": keypoints.ravel().tolist(), "segmentation": []}
        self.content["annotations"].append({**annotation, **fields})

    def write(self):
        self.path.write_text(json.dumps(self.content))
        return str(self.path), str(self.folder)
