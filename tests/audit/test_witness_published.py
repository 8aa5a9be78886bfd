"""Requests that others published: the protocol's own example, and those of an independent log."""

import pytest

from audit.notes import ED25519, VerifierKey, signature_lines, vouched
from audit.witness import Refused, Submission, Witness

NOW = 1_772_452_800


def test_the_example_in_the_protocol_is_read_to_the_letter():
    """The request of c2sp.org/tlog-witness, whose keys nobody was given."""
    example = Submission.read(
        b"old 20852014\n"
        b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"
        b"jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        b"5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n"
        b"/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n"
        b"\n"
        b"example.com/behind-the-sofa\n"
        b"20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        b"\n"
        + (
            "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo"
            "+zyWE+xeMcTOAYQ8=\n"
            "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS"
            "5Rovnzv++qbSzm9Q=\n"
        ).encode()
    )
    assert (example.old, example.checkpoint.size, len(example.proof)) == (20852014, 20852163, 4)
    assert len(signature_lines(example.note)) == 2


PUBLISHED = "sigsum.org/v1/tree/4d6d8825a6bb689d459628312889dfbb0bcd41b5211d9e1ce768b0ff0309e562"
PUBLISHED_KEY = VerifierKey(
    PUBLISHED, ED25519, bytes.fromhex("ffdc2d4d98e4124d3feaf788c0c2f9abfd796083d1f0495437f302ec79cf100f")
)


def published(old, proof, size, root, signature):
    return (
        f"old {old}\n{''.join(f'{line}{chr(10)}' for line in proof)}\n"
        f"{PUBLISHED}\n{size}\n{root}\n\n— {PUBLISHED} UgIom{signature}\n"
    ).encode()


TO_1 = published(
    0,
    [],
    1,
    "KgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "7fPZTqpxWWhyjWduBvTvGVqsokMbqTArsQilegKoFBJQjUFAmQ0+YeSPM3wfUQMFSzVnnNuWRTYrajXpNUbIQY=",
)
TO_3 = published(
    1,
    ["KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "KgIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],
    3,
    "RcCI1Nk56ZcSmIEfIn0SleqtV7uvrlXNccFx595Iwl0=",
    "2VbtIcdFbwFAy1n7s6IkAxIY6J/GQOTuZF2ORV39d75cbAj2aQYwyJre36kezNobZs4SUUdrcawfAB8WVrx6go=",
)
TO_5 = published(
    1,
    [
        "KgEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "+fUDV+k970B4I3uKrqJM4aP1lloPZP8mvr2Z4wRw2LI=",
        "KgQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ],
    5,
    "QrtXrQZCCvpIgsSmOsah7HdICzMLLyDfxToMql9WTjY=",
    "w/EOJmWi0i1FQsOj+etB7F8IccFam/jgd6wzRns4QPVmyEZtdvl1U2KEmLOZ/ASRcWJi0tW90dJWAShei7sDww=",
)


@pytest.mark.parametrize("last", [TO_3, TO_5], ids=["to 3", "to 5"])
def test_what_another_implementation_published_is_signed(tmp_path, last):
    """Requests of an independent log, made for the tests of another witness (github.com/FiloSottile/torchwood)."""
    witness = Witness(tmp_path, "witness.example", [PUBLISHED_KEY])
    for body in (TO_1, last):
        line = witness.add_checkpoint(body, NOW)
        assert witness.signer.key in vouched(f"{Submission.read(body).note}{line}", [witness.signer.key, PUBLISHED_KEY])
    with pytest.raises(Refused) as caught:
        witness.add_checkpoint(TO_3, NOW)
    assert caught.value.status == 409
