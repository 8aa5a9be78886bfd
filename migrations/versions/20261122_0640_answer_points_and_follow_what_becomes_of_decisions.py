"""Points and their answers, submissions, days that are due, steps after a decision, and who wants to hear of them"""

import sqlalchemy as sa
from alembic import op

revision = "4b202937fb75"
down_revision = "c83d51e0f764"

LATER_REQUIRED = [(table, column) for table in ("decision", "draft") for column in ("legal_route", "responsible")]
"""New columns that rows written before are given an empty text in."""


def upgrade() -> None:
    op.create_table(
        "due_change",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("theme_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("undecided", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_due_change_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_due_change")),
    )
    with op.batch_alter_table("due_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_due_change_theme_id"), ["theme_id"], unique=False)

    op.create_table(
        "follow",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_follow_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_follow")),
        sa.UniqueConstraint("account_id", "kind", "key", name=op.f("uq_follow_account_id_kind_key")),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index("ix_follow_kind_key", ["kind", "key"], unique=False)

    op.create_table(
        "hearing",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("bounced_at", sa.DateTime(), nullable=True),
        sa.Column("last_digest_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_hearing_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_hearing")),
        sa.UniqueConstraint("secret", name=op.f("uq_hearing_secret")),
    )
    op.create_table(
        "notice",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("regulation_id", sa.Integer(), nullable=True),
        sa.Column("because", sa.String(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("told_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_account_id")),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_notice_regulation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("account_id", "cause", "kind", name=op.f("uq_notice_account_id_cause_kind")),
    )
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_regulation_id"), ["regulation_id"], unique=False)
        batch_op.create_index("ix_notice_told_due", ["told_at", "due_at"], unique=False)

    op.create_table(
        "point",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("regulation_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("few", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(), nullable=True),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_point_regulation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_point")),
        sa.UniqueConstraint("public_id", name=op.f("uq_point_public_id")),
    )
    with op.batch_alter_table("point", schema=None) as batch_op:
        batch_op.create_index("ix_point_regulation_withdrawn", ["regulation_id", "withdrawn_at"], unique=False)
        batch_op.create_index(
            "uq_point_few_regulation",
            ["regulation_id"],
            unique=True,
            sqlite_where=sa.text("few AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("few AND withdrawn_at IS NULL"),
        )

    op.create_table(
        "submission",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("theme_id", sa.Integer(), nullable=False),
        sa.Column("regulation_id", sa.Integer(), nullable=True),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("capacity", sa.String(), nullable=False),
        sa.Column("organisation_name", sa.String(), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("withheld", sa.Boolean(), nullable=False),
        sa.Column("withheld_because", sa.String(), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=True),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("from_ballot", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("entered_by", sa.String(), nullable=False),
        sa.Column("entered_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(how = 'petition') = (signatures IS NOT NULL)", name=op.f("ck_submission_petitions_count_signatures")
        ),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_submission_regulation_id")),
        sa.ForeignKeyConstraint(["theme_id"], ["theme.id"], name=op.f("fk_submission_theme_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("reference", name=op.f("uq_submission_reference")),
    )
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_digest"), ["digest"], unique=False)
        batch_op.create_index("ix_submission_regulation_id", ["regulation_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_submission_theme_id"), ["theme_id"], unique=False)

    op.create_table(
        "answer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("public_id", sa.String(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=True),
        sa.Column("comment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("point_title", sa.String(), nullable=False),
        sa.Column("behind", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.CheckConstraint("(point_id IS NULL) <> (comment_id IS NULL)", name=op.f("ck_answer_answers_one_thing")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_answer_comment_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_answer_decision_id")),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_answer_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer")),
        sa.UniqueConstraint("decision_id", "comment_id", name=op.f("uq_answer_decision_id_comment_id")),
        sa.UniqueConstraint("decision_id", "point_id", name=op.f("uq_answer_decision_id_point_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_answer_public_id")),
    )
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_comment_id"), ["comment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_answer_point_id"), ["point_id"], unique=False)

    op.create_table(
        "answer_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("regulation_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=True),
        sa.Column("comment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verdict", sa.String(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("assigned_to_id", sa.Integer(), nullable=True),
        sa.Column("written_by_id", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint(
            "(point_id IS NULL) <> (comment_id IS NULL)", name=op.f("ck_answer_draft_answers_one_thing")
        ),
        sa.ForeignKeyConstraint(["assigned_to_id"], ["account.id"], name=op.f("fk_answer_draft_assigned_to_id")),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_answer_draft_comment_id")),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_answer_draft_point_id")),
        sa.ForeignKeyConstraint(["regulation_id"], ["regulation.id"], name=op.f("fk_answer_draft_regulation_id")),
        sa.ForeignKeyConstraint(["written_by_id"], ["account.id"], name=op.f("fk_answer_draft_written_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_draft")),
        sa.UniqueConstraint("comment_id", name=op.f("uq_answer_draft_comment_id")),
        sa.UniqueConstraint("point_id", name=op.f("uq_answer_draft_point_id")),
    )
    with op.batch_alter_table("answer_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answer_draft_assigned_to_id"), ["assigned_to_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_answer_draft_regulation_id"), ["regulation_id"], unique=False)

    op.create_table(
        "grouping",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("comment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("stands", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("put_by", sa.String(), nullable=False),
        sa.Column("put_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["comment_id"], ["comment.id"], name=op.f("fk_grouping_comment_id")),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_grouping_point_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping")),
        sa.UniqueConstraint("comment_id", "point_id", name=op.f("uq_grouping_comment_id_point_id")),
    )
    with op.batch_alter_table("grouping", schema=None) as batch_op:
        batch_op.create_index("ix_grouping_point_stands", ["point_id", "stands"], unique=False)

    op.create_table(
        "milestone",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("step", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("instrument", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.Column("demonstration", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["decision_id"], ["decision.id"], name=op.f("fk_milestone_decision_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_milestone")),
    )
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_milestone_decision_id"), ["decision_id"], unique=False)
        batch_op.create_index("ix_milestone_state_due", ["state", "due_on"], unique=False)

    op.create_table(
        "submission_point",
        sa.Column("submission_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["point_id"], ["point.id"], name=op.f("fk_submission_point_point_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_submission_point_submission_id")),
        sa.PrimaryKeyConstraint("submission_id", "point_id", name=op.f("pk_submission_point")),
    )
    with op.batch_alter_table("submission_point", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_submission_point_point_id"), ["point_id"], unique=False)

    op.create_table(
        "dispute",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("grouping_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raised_at", sa.DateTime(), nullable=False),
        sa.Column("settled_at", sa.DateTime(), nullable=True),
        sa.Column("settled_by", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("entry_id", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["grouping_id"], ["grouping.id"], name=op.f("fk_dispute_grouping_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_dispute_grouping_id"), ["grouping_id"], unique=False)
        batch_op.create_index("ix_dispute_settled", ["settled_at"], unique=False)

    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("comparisons", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("legal_route", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("consultation", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("responsible", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("review_on", sa.Date(), nullable=True))

    with op.batch_alter_table("draft", schema=None) as batch_op:
        batch_op.add_column(sa.Column("legal_route", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("consultation", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("responsible", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("due_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("review_on", sa.Date(), nullable=True))
        batch_op.add_column(sa.Column("publish_at", sa.DateTime(), nullable=True))
        batch_op.add_column(sa.Column("approved_by_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("approved_at", sa.DateTime(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_draft_approved_by_id"), "account", ["approved_by_id"], ["id"])

    for table, column in (("decision", "comparisons"), *LATER_REQUIRED):
        with op.batch_alter_table(table) as altered:
            altered.alter_column(column, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("draft", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_draft_approved_by_id"), type_="foreignkey")
        batch_op.drop_column("approved_at")
        batch_op.drop_column("approved_by_id")
        batch_op.drop_column("publish_at")
        batch_op.drop_column("review_on")
        batch_op.drop_column("due_on")
        batch_op.drop_column("responsible")
        batch_op.drop_column("consultation")
        batch_op.drop_column("legal_route")

    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.drop_column("review_on")
        batch_op.drop_column("due_on")
        batch_op.drop_column("responsible")
        batch_op.drop_column("consultation")
        batch_op.drop_column("legal_route")
        batch_op.drop_column("comparisons")

    with op.batch_alter_table("dispute", schema=None) as batch_op:
        batch_op.drop_index("ix_dispute_settled")
        batch_op.drop_index(batch_op.f("ix_dispute_grouping_id"))

    op.drop_table("dispute")
    with op.batch_alter_table("submission_point", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_point_point_id"))

    op.drop_table("submission_point")
    with op.batch_alter_table("milestone", schema=None) as batch_op:
        batch_op.drop_index("ix_milestone_state_due")
        batch_op.drop_index(batch_op.f("ix_milestone_decision_id"))

    op.drop_table("milestone")
    with op.batch_alter_table("grouping", schema=None) as batch_op:
        batch_op.drop_index("ix_grouping_point_stands")

    op.drop_table("grouping")
    with op.batch_alter_table("answer_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_draft_regulation_id"))
        batch_op.drop_index(batch_op.f("ix_answer_draft_assigned_to_id"))

    op.drop_table("answer_draft")
    with op.batch_alter_table("answer", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_answer_point_id"))
        batch_op.drop_index(batch_op.f("ix_answer_comment_id"))

    op.drop_table("answer")
    with op.batch_alter_table("submission", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_theme_id"))
        batch_op.drop_index("ix_submission_regulation_id")
        batch_op.drop_index(batch_op.f("ix_submission_digest"))

    op.drop_table("submission")
    with op.batch_alter_table("point", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_point_few_regulation",
            sqlite_where=sa.text("few AND withdrawn_at IS NULL"),
            postgresql_where=sa.text("few AND withdrawn_at IS NULL"),
        )
        batch_op.drop_index("ix_point_regulation_withdrawn")

    op.drop_table("point")
    with op.batch_alter_table("notice", schema=None) as batch_op:
        batch_op.drop_index("ix_notice_told_due")
        batch_op.drop_index(batch_op.f("ix_notice_regulation_id"))

    op.drop_table("notice")
    op.drop_table("hearing")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_kind_key")

    op.drop_table("follow")
    with op.batch_alter_table("due_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_due_change_theme_id"))

    op.drop_table("due_change")
