"""What routing tells: which department has a case, and each correspondence step it takes."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from shared.contracts.envelope import CaseKind, CaseStatus, CategoryRef, DepartmentRef, Event, Frozen, Outcome, Sealed


class CaseState(Frozen):
    """Every event of routing on a case says where the case stands after it."""

    status: CaseStatus
    due_at: AwareDatetime | None = None
    due_on: date | None = None
    department: DepartmentRef | None = None
    category: CategoryRef | None = None


class GuessRef(Frozen):
    """A category that the classifier thought of, with its probability."""

    category_id: str
    score: float


class CaseAssignedData(CaseState):
    """``method`` says who chose: the citizen's category, a rule, the classifier, the centre's triage, an officer.

    Of a machine's decision also how probable it was, the classifier's best three guesses, which version of its model
    it was, and another topic that the same text is about.
    """

    method: Literal["citizen", "rule", "classifier", "triage", "officer"]
    confidence: float | None = None
    guesses: tuple[GuessRef, ...] = ()
    model: str | None = None
    second_category: CategoryRef | None = None


class CaseAssigned(Event):
    """A department has the case, with a date by which it must answer."""

    type: Literal["case.assigned.v1"] = "case.assigned.v1"
    source: Literal["routing"] = "routing"
    data: CaseAssignedData


class CaseReferredData(CaseState):
    """``department`` is the one the case went to."""

    from_department: DepartmentRef


class CaseReferred(Event):
    """The case went to another department."""

    type: Literal["case.referred.v1"] = "case.referred.v1"
    source: Literal["routing"] = "routing"
    data: CaseReferredData


class CaseAccepted(Event):
    """The department took the case in hand."""

    type: Literal["case.accepted.v1"] = "case.accepted.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseToldData(CaseState):
    """``note_sealed``: what the officer wrote to the citizen, for intake and sms only."""

    note_sealed: Sealed


class CaseInformationRequested(Event):
    """The officer asks the citizen a question; the clock stops until the answer."""

    type: Literal["case.information_requested.v1"] = "case.information_requested.v1"
    source: Literal["routing"] = "routing"
    data: CaseToldData


class CaseResumed(Event):
    """The citizen answered: the clock runs again, with a new due date."""

    type: Literal["case.resumed.v1"] = "case.resumed.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseProgressed(Event):
    """The officer tells how far the case has come."""

    type: Literal["case.progressed.v1"] = "case.progressed.v1"
    source: Literal["routing"] = "routing"
    data: CaseToldData


class CaseExtendedData(CaseToldData):
    """``note_sealed`` is the reason; ``due_at`` the new date."""

    days: int


class CaseExtended(Event):
    """The department needs more time, once, and says why."""

    type: Literal["case.extended.v1"] = "case.extended.v1"
    source: Literal["routing"] = "routing"
    data: CaseExtendedData


class CaseOverdue(Event):
    """The promised date passed without a decision; ``due_at`` is that date. Told once in a term."""

    type: Literal["case.overdue.v1"] = "case.overdue.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseDecidedData(CaseState):
    """``letter_sealed``: the letter's text, for letters only. ``note_sealed``: the SMS' own words, if the officer
    wrote any. ``decision_no`` counts the decisions of a case from 1 (a reopened case has a second one).
    """

    outcome: Outcome
    decision_no: int
    letter_sealed: Sealed
    note_sealed: Sealed | None = None
    decided_at: AwareDatetime


class CaseDecided(Event):
    """A decision counts: one officer wrote it, somebody else approved it."""

    type: Literal["case.decided.v1"] = "case.decided.v1"
    source: Literal["routing"] = "routing"
    data: CaseDecidedData


class CaseClosed(Event):
    """The correspondence ended."""

    type: Literal["case.closed.v1"] = "case.closed.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseMergedData(CaseToldData):
    """``note_sealed`` is the tracking code of the case that goes on, ``into_case_id`` that case."""

    into_case_id: UUID


class CaseMerged(Event):
    """The citizen had filed the same matter twice: this case ends, the other goes on."""

    type: Literal["case.merged.v1"] = "case.merged.v1"
    source: Literal["routing"] = "routing"
    data: CaseMergedData


class CaseReopened(Event):
    """The citizen was not content with the decision and the case is open again."""

    type: Literal["case.reopened.v1"] = "case.reopened.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseReopeningRefusedData(CaseState):
    """Why: it is not decided yet, it was opened again once before, or thirty days have passed."""

    reason: Literal["undecided", "once", "late"]


class CaseReopeningRefused(Event):
    """The citizen asked by SMS to open the case again, which is not possible."""

    type: Literal["case.reopening_refused.v1"] = "case.reopening_refused.v1"
    source: Literal["routing"] = "routing"
    data: CaseReopeningRefusedData


class CaseWithdrawn(Event):
    """The citizen took the case back."""

    type: Literal["case.withdrawn.v1"] = "case.withdrawn.v1"
    source: Literal["routing"] = "routing"
    data: CaseState


class CaseMovedData(CaseState):
    """``organisation_id``: the body under the ministry that the matter is about."""

    organisation_id: str


class CaseMoved(Event):
    """The case is a matter of corruption: it goes on as a report, and nothing of it stays here."""

    type: Literal["case.moved.v1"] = "case.moved.v1"
    source: Literal["routing"] = "routing"
    data: CaseMovedData


class CategoryEntry(CategoryRef):
    """A category that can be chosen; ``pipeline`` says whether it is correspondence or a corruption report."""

    department_id: str
    pipeline: Literal["zrm", "irm"]


class DepartmentEntry(DepartmentRef):
    """A department, and the body under the ministry that it is part of."""

    organisation_id: str | None = None


class DirectoryChangedData(Frozen):
    """The whole public directory as it now stands; ``organisations`` are the bodies under the ministry."""

    version: int
    departments: tuple[DepartmentEntry, ...]
    categories: tuple[CategoryEntry, ...]
    organisations: tuple[DepartmentRef, ...]


class DirectoryChanged(Event):
    """Departments, categories or organisations changed."""

    type: Literal["directory.changed.v1"] = "directory.changed.v1"
    source: Literal["routing"] = "routing"
    data: DirectoryChangedData


class ReviewPublishedData(Frozen):
    """``month`` is Jalali (``1404-09``); ``excess`` counts the findings."""

    month: str
    filed: int
    decided: int
    excess: int
    published_at: AwareDatetime


class ReviewPublished(Event):
    """A month is over and its review can be read."""

    type: Literal["review.published.v1"] = "review.published.v1"
    source: Literal["routing"] = "routing"
    data: ReviewPublishedData


class TopicOpenedData(Frozen):
    """A topic is a category in the country or, with ``province``, in one province; the figures are those of ``month``
    where the detector opened it."""

    topic_id: UUID
    month: str
    category: CategoryRef
    province: str | None = None
    opened_by: Literal["excess", "group"]
    observed: int | None = None
    expected: float | None = None


class TopicOpened(Event):
    """The Voice of the Voiceless working group has a new topic."""

    type: Literal["topic.opened.v1"] = "topic.opened.v1"
    source: Literal["routing"] = "routing"
    data: TopicOpenedData


class TopicDecidedData(Frozen):
    """One event for each citizen whose case stands behind the topic: ``case_id`` names the case, ``kind`` what it is,
    ``cases`` how many stand behind the topic. ``title`` is the decision's."""

    topic_id: UUID
    decision_id: UUID
    kind: CaseKind
    cases: int
    category: CategoryRef
    province: str | None = None
    title: str
    owner: DepartmentRef
    due_on: date
    decided_at: AwareDatetime


class TopicDecided(Event):
    """The working group decided on what a citizen's case is one of."""

    type: Literal["topic.decided.v1"] = "topic.decided.v1"
    source: Literal["routing"] = "routing"
    data: TopicDecidedData
