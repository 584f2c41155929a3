"""What submissions are called in the folder that a course's site or a shared drive gives."""

from __future__ import annotations

GIVEN = ("Ada", "Zoë", "Søren", "Minh", "Grace", "José", "Ingrid", "Kofi", "Mei", "Tariq", "Olga", "Ravi", "Lucía")
FAMILY = ("Lovelace", "Gödel", "de la Cruz", "O'Brien", "Nguyễn", "Hopper", "Åström", "Osei", "Turing", "李")
FIRST_NUMBER = 1001

# Forms of a name, for str.format with what `name_of_submission` gives.
FOLDER = "{user}_{number}_assignsubmission_file"
SHARED_FOLDER = "{family}, {given}"
LATE_FOLDER = "{family}, {given} [late]"
ZIP = "{family}, {given}.zip"
UPPER_CASE_ZIP = "{user}_{number}_assignsubmission_file.ZIP"
RAR = "{family}, {given}.rar"
MARKUP_FOLDER = "<img src=x onerror=alert(1)>, {given}"
FORMULA_FOLDER = "=1+1, {given}"


def name_of_submission(form: str, place: int) -> str:
    """The name of a file or folder in this form; place: from 0 to 129, for which all people are different."""
    given, family = GIVEN[place % len(GIVEN)], FAMILY[place % len(FAMILY)]
    user = f"{given}_{family}".lower().replace(" ", "_")
    return form.format(given=given, family=family, user=user, number=FIRST_NUMBER + place)
