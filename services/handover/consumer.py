"""What handover does about what it hears: who leaves, who has a laptop, what stands in the way, and
what a school is called.
"""

from services.handover import core
from shared.contracts import delivery, enrolment, ordering, repairs
from shared.hearing import Reactions

# Causes of an incident that say where the laptop is not; any other wants a repair.
GONE = ("theft", "loss")

Learns = enrolment.StudentEnrolled | enrolment.StudentMoved | enrolment.StudentLevelChanged


def learns(fact: Learns) -> core.NoteStudent:
    return core.NoteStudent(fact.school, fact.level, fact.school_year)


def left(fact: enrolment.StudentLeft) -> core.NoteStudent:
    return core.NoteStudent(fact.school, fact.level, fact.school_year, fact.reason)


def erased(_: enrolment.StudentErased) -> core.ForgetStudent:
    return core.ForgetStudent()


def listed(fact: ordering.SchoolListed) -> core.NoteSchool:
    return core.NoteSchool(fact.name, fact.town)


def announced(fact: ordering.LaptopAnnounced) -> core.Enter:
    return core.Enter(fact.model)


def admitted(_: ordering.LaptopAdmitted) -> core.Acquire:
    return core.Acquire()


def in_stock(fact: delivery.LaptopReceived | delivery.LaptopBackToStock) -> core.Entrust:
    return core.Entrust(None, fact.school)


def moved(fact: delivery.LaptopMoved) -> core.Entrust:
    return core.Entrust(None, fact.to_school)


def handed_out(fact: delivery.LaptopHandedOut) -> core.Entrust:
    return core.Entrust(fact.student, fact.school)


def taken_back(_: delivery.LaptopTakenBack) -> core.Entrust:
    return core.Entrust(None, None)


def exchanged(fact: delivery.LaptopGivenInExchange) -> core.Entrust:
    return core.Entrust(fact.student, fact.school)


def withdrawn(fact: delivery.LaptopFactWithdrawn) -> core.Withdraw:
    return core.Withdraw(f"delivery: {fact.party} {fact.event}")


def case_withdrawn(fact: repairs.CaseFactWithdrawn) -> core.Withdraw:
    return core.Withdraw(f"repairs: {fact.party} {fact.event}")


def logged(fact: repairs.IncidentLogged) -> core.Block:
    return core.Block(fact.cause if fact.cause in GONE else "repair", fact.case)


def reopened(fact: repairs.RepairReopened) -> core.Block:
    return core.Block("repair", fact.case)


def stolen(fact: repairs.TheftReported) -> core.Block:
    return core.Block("theft", fact.case)


def lost(fact: repairs.LossReported) -> core.Block:
    return core.Block("loss", fact.case)


def closed(
    fact: repairs.LaptopReturnedToUser | repairs.LaptopSwapped | repairs.LaptopRecovered,
) -> core.Unblock:
    return core.Unblock(fact.case)


def lent(fact: repairs.LoanIssued | repairs.LaptopLent) -> core.Block:
    return core.Block("loan", fact.case)


def back(fact: repairs.LoanReturned | repairs.LaptopBackFromLoan) -> core.Unblock:
    return core.Unblock(fact.case, "loan")


REACTIONS: Reactions = {
    enrolment.StudentEnrolled: learns,
    enrolment.StudentMoved: learns,
    enrolment.StudentLevelChanged: learns,
    enrolment.StudentLeft: left,
    enrolment.StudentErased: erased,
    ordering.SchoolListed: listed,
    ordering.LaptopAnnounced: announced,
    ordering.LaptopAdmitted: admitted,
    delivery.LaptopReceived: in_stock,
    delivery.LaptopBackToStock: in_stock,
    delivery.LaptopMoved: moved,
    delivery.LaptopHandedOut: handed_out,
    delivery.LaptopTakenBack: taken_back,
    delivery.LaptopGivenInExchange: exchanged,
    delivery.LaptopFactWithdrawn: withdrawn,
    repairs.CaseFactWithdrawn: case_withdrawn,
    repairs.IncidentLogged: logged,
    repairs.RepairReopened: reopened,
    repairs.TheftReported: stolen,
    repairs.LossReported: lost,
    repairs.LaptopReturnedToUser: closed,
    repairs.LaptopSwapped: closed,
    repairs.LaptopRecovered: closed,
    repairs.LoanIssued: lent,
    repairs.LaptopLent: lent,
    repairs.LoanReturned: back,
    repairs.LaptopBackFromLoan: back,
}
