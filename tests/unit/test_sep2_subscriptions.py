"""Subscriptions at the core of the 2030.5 server: what is taken, what is refused, who is told what."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import MisuseError
from gateway.protocols.sep2._generated import model as sep
from gateway.protocols.sep2.codec import MAX_BYTES, Edition, Flavour, decode, encode
from gateway.protocols.sep2.server.devices import NewDevice
from gateway.protocols.sep2.server.issuing import Issuer
from gateway.protocols.sep2.server.operator import Operator
from gateway.protocols.sep2.server.options import CSIP_AUS, ServerOptions
from gateway.protocols.sep2.server.records import Turn
from gateway.protocols.sep2.server.server import Sep2Server
from gateway.protocols.sep2.server.terms import EventTerms
from tests.fakes import CountedIds
from tests.sep2_subscriber import subscription
from tests.sep2_world import LFDI, START

OTHER = "1" * 40
MANAGED = "2" * 40
MINUTE = timedelta(minutes=1)
URI = "https://gateway.example:8443/ntfy"
ORIGIN = "https://utility.example"
CAP = sep.DERControlBase(op_mod_imp_lim_w=sep.ActivePower(multiplier=3, value=5000))


class Utility:
    """A server with an aggregator, a device that it manages, and another aggregator."""

    def __init__(self, **others: object) -> None:
        self.server = Sep2Server(ServerOptions(**others), CountedIds())  # type: ignore[arg-type] # by name
        self.now = START
        self.server.take(self.server.open(self.now))
        self.operator = Operator(self.server)
        self.issuer = Issuer(self.server)
        for new in (
            NewDevice(lfdi=LFDI),
            NewDevice(lfdi=OTHER),
            NewDevice(lfdi=MANAGED, manager=LFDI),
        ):
            self.do(self.operator.register(new, self.now))
        self.fsa = self.do(self.operator.create_fsa(self.now))
        self.do(self.operator.assign(self.fsa, [MANAGED], self.now))
        made = self.operator.create_program(sep.DERProgram, 2, [self.fsa], self.now)
        self.program = self.do(made)
        self.look()

    def do(self, turn: Turn) -> str:
        self.server.take(turn)
        return turn.told

    def at(self, minutes: float) -> "Utility":
        self.now = START + minutes * MINUTE
        return self

    def device(self, lfdi: str = LFDI) -> str:
        found = self.server.book.device(lfdi)
        assert found is not None
        return found.href

    def sub(self, lfdi: str = LFDI) -> str:
        return f"{self.device(lfdi)}/sub"

    def fsas(self) -> str:
        return f"{self.device(MANAGED)}/fsa"

    def programs(self) -> str:
        found = self.server.book.expect(self.fsa, sep.FunctionSetAssignments).value
        assert isinstance(found, sep.FunctionSetAssignments)
        assert found.der_program_list_link is not None
        return found.der_program_list_link.href

    def place(self, ending: str = "events") -> str:
        return f"{self.server.book.expect(self.program, sep.DERProgram).href}/{ending}"

    def issue(self, start: int = 5, minutes: int = 10) -> str:
        terms = EventTerms(start=self.now + start * MINUTE, duration=minutes * MINUTE)
        return self.do(self.issuer.create_control(self.program, CAP, terms, self.now))

    def send(self, method: str, href: str, document: object, peer: str = LFDI) -> Turn:
        body = document if isinstance(document, bytes) else encode(document, CSIP_AUS)
        turn = self.server.write(method, href, body, peer, self.now)
        self.server.take(turn)
        return turn

    def subscribe(self, resource: str, uri: str = URI, **others: object) -> str:
        turn = self.send("POST", self.sub(), subscription(resource, uri, **others))
        assert turn.answer.status == 201, turn.answer
        self.look()
        return turn.answer.location

    def look(self) -> list[str]:
        """Return the subscriptions whose subscriber has to be told something."""
        subscribers = self.server.subscribers
        subscribers.look(self.now)
        if subscribers.watch.ended:
            self.do(subscribers.settle(self.now))
            subscribers.look(self.now)
        return list(subscribers.watch.waiting)

    def tell(self, href: str) -> sep.Notification:
        """Deliver what a subscriber has to be told."""
        notice = self.server.subscribers.notice(href, self.now, ORIGIN)
        assert notice is not None
        self.do(self.server.subscribers.delivered(notice, self.now))
        return decode(notice.body, sep.Notification, strict=True).value

    def told(self) -> list[tuple[str, int]]:
        """Deliver everything; return what was told of, and its status."""
        found = [self.tell(href) for href in self.look()]
        return [(one.subscribed_resource, one.status) for one in found]


# --- what is taken


@pytest.mark.spec("IEEE 2030.5-2018 Subscription", "CSIP-AUS S-ALL-26", "CSIP CORE-018")
def test_a_subscription_is_listed_renewed_changed_and_deleted() -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    again = utility.send("POST", utility.sub(), subscription(utility.place(), URI, limit=5))
    assert (again.answer.status, again.answer.location) == (204, href)
    listed = decode(utility.server.read(utility.sub(), "l=9", LFDI, START).body, object).value
    assert isinstance(listed, sep.SubscriptionList)
    assert [(one.href, one.limit) for one in listed.subscription] == [(href, 5)]
    assert utility.send("PUT", href, subscription(utility.place(), URI)).answer.status == 204
    other = subscription(utility.fsas(), URI)
    assert utility.send("PUT", href, other).answer.status == 400
    elsewhere = utility.send("POST", utility.sub(), subscription(utility.place(), f"{URI}/2"))
    assert elsewhere.answer.status == 201
    assert utility.send("DELETE", href, b"").answer.status == 204
    assert utility.server.read(href, "", LFDI, START).status == 404
    utility.issue()
    assert utility.look() == [elsewhere.answer.location]


@pytest.mark.spec("IEEE 2030.5-2018 Subscription", "IEEE 2030.5-2018 Error")
@pytest.mark.parametrize(
    ("others", "code"),
    [
        ({"condition": sep.Condition(attribute_identifier=0, lower_threshold=0, upper_threshold=1)}, 3),
        ({"encoding": 1}, 1),
        ({"level": "+S2"}, 1),
        ({"level": "S9"}, 1),
        ({"uri": "http://gateway.example/ntfy"}, 1),
        ({"uri": "/ntfy"}, 1),
        ({"uri": "https://user:word@gateway.example/ntfy"}, 1),
        ({"uri": "https://gateway.example/ntfy#part"}, 1),
        ({"uri": "https://gateway.example:99999/ntfy"}, 1),
        ({"uri": "https://gate%20way.example/"}, 1),
        ({"uri": "https://" + "a" * 1100 + ".example/"}, 1),
        ({"resource": "/nowhere"}, 1),
        ({"resource": "/tm"}, 1),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_its_reason(
    others: dict[str, object], code: int
) -> None:
    utility = Utility()
    given = {"resource": utility.place(), "uri": URI, **others}
    answer = utility.send("POST", utility.sub(), subscription(**given)).answer  # type: ignore[arg-type] # by name
    assert answer.status == 400
    error = decode(answer.body, sep.Error, strict=True).value
    assert error.reason_code == code
    assert not list(utility.server.book.deliveries)


def test_a_query_in_what_is_subscribed_to_is_ignored() -> None:
    utility = Utility()
    utility.subscribe(f"{utility.place()}?s=0&l=1")
    utility.issue()
    assert utility.told() == [(f"{utility.place()}?s=0&l=1", 0)]


def test_the_edition_of_2023_takes_its_own_level_and_dates_its_notifications() -> None:
    utility = Utility(flavour=Flavour(edition=Edition.Y2023, csip_aus=True))
    href = utility.subscribe(utility.place(), level="+s2")
    utility.issue()
    assert utility.look() == [href]
    assert utility.tell(href).created_date_time == int(START.timestamp())


@pytest.mark.spec("IEEE 2030.5-2018 6.8", "CSIP-AUS S-ALL-05")
def test_nobody_subscribes_to_or_through_what_is_anothers() -> None:
    utility = Utility()
    turn = utility.send("POST", utility.sub(OTHER), subscription(utility.place(), URI), LFDI)
    assert turn.answer.status == 404
    turn = utility.send("POST", utility.sub(OTHER), subscription(utility.fsas(), URI), OTHER)
    assert turn.answer.status == 400
    href = utility.subscribe(utility.place())
    assert utility.server.read(href, "", OTHER, START).status == 404
    assert utility.send("DELETE", href, b"", OTHER).answer.status == 404


def test_notifications_go_to_the_hosts_that_the_operator_names() -> None:
    utility = Utility(notify_hosts=frozenset({"gateway.example"}))
    utility.subscribe(utility.place(), "https://GATEWAY.example/x")
    wanted = subscription(utility.place(), "https://169.254.169.254/")
    assert utility.send("POST", utility.sub(), wanted).answer.status == 400


def test_subscriptions_and_their_hosts_are_bounded() -> None:
    utility = Utility(most_subscriptions=4, most_endpoints=2)
    for number in range(2):
        utility.subscribe(utility.place(), f"https://{number}.example/")
    wanted = subscription(utility.place(), "https://2.example/")
    assert utility.send("POST", utility.sub(), wanted).answer.status == 413
    for number in range(2):
        utility.subscribe(utility.place(), f"https://0.example/{number}")
    wanted = subscription(utility.place(), "https://0.example/2")
    assert utility.send("POST", utility.sub(), wanted).answer.status == 413
    utility = Utility(most_alike=2)
    utility.subscribe(utility.place(), "https://0.example/0")
    href = utility.subscribe(utility.place(), "https://0.example/1")
    wanted = subscription(utility.place(), "https://0.example/2")
    assert utility.send("POST", utility.sub(), wanted).answer.status == 413
    utility.subscribe(utility.fsas(), "https://0.example/2")
    assert utility.send("DELETE", href, b"").answer.status == 204
    utility.subscribe(utility.place(), "https://0.example/2")


def test_what_a_manager_manages_has_no_list_of_its_own() -> None:
    utility = Utility()
    device = utility.server.book.device(MANAGED)
    assert device is not None
    assert getattr(device.value, "subscription_list_link", "") is None


def test_a_utility_without_subscriptions_offers_none() -> None:
    utility = Utility(subscriptions=False)
    assert b"subscribable" not in utility.server.read("/edev", "l=9", LFDI, START).body
    assert b"SubscriptionListLink" not in utility.server.read("/edev", "l=9", LFDI, START).body
    assert b"subscribable" not in utility.server.read(utility.place(), "", LFDI, START).body
    wanted = subscription(utility.place(), URI)
    assert utility.send("POST", utility.sub(), wanted).answer.status == 403


# --- who is told what


@pytest.mark.spec("CSIP CORE-019", "CSIP-AUS S-ALL-25", "CSIP MAINT-004")
def test_a_change_is_told_for_what_changed_and_not_for_what_leads_to_it() -> None:
    utility = Utility()
    places = (utility.fsas(), utility.programs(), utility.place(), utility.place("dderc"), "/edev")
    for place in places:
        utility.subscribe(place)
    assert utility.told() == []
    utility.issue()
    assert utility.told() == [(utility.place(), 0)]
    default = sep.DefaultDERControl(mrid="0", set_grad_w=27, der_control_base=CAP)
    utility.do(utility.operator.set_default(utility.program, default, utility.now))
    assert utility.told() == [(utility.place("dderc"), 0)]
    utility.do(utility.operator.set_primacy(utility.program, 9, utility.now))
    assert utility.told() == [(utility.programs(), 0)]
    fresh = utility.do(utility.operator.create_fsa(utility.now))
    utility.do(utility.operator.assign(fresh, [MANAGED], utility.now))
    assert utility.told() == [(utility.fsas(), 0)]
    utility.do(utility.operator.register(NewDevice(lfdi="3" * 40, manager=LFDI), utility.now))
    assert utility.told() == [("/edev", 0)]
    utility.do(utility.operator.register(NewDevice(lfdi="4" * 40), utility.now))
    assert utility.told() == []


POWER = sep.ActivePower(multiplier=3, value=1000)
MODES = {
    "export": sep.DERControlBase(op_mod_exp_lim_w=POWER),
    "generation": sep.DERControlBase(op_mod_gen_lim_w=POWER),
    "import": sep.DERControlBase(op_mod_imp_lim_w=POWER),
    "load": sep.DERControlBase(op_mod_load_lim_w=POWER),
    "energize": sep.DERControlBase(op_mod_energize=False),
    "connect": sep.DERControlBase(op_mod_connect=False),
    "several": sep.DERControlBase(op_mod_imp_lim_w=POWER, op_mod_exp_lim_w=POWER),
    "ramp": sep.DERControlBase(op_mod_imp_lim_w=POWER, ramp_tms=500),
}
DEFAULTS: dict[str, dict[str, object]] = {
    name: {"der_control_base": base} for name, base in list(MODES.items())[:4]
}
DEFAULTS |= {
    "gradient": {"set_grad_w": 27, "der_control_base": sep.DERControlBase()},
    "all": {"set_grad_w": 27, "der_control_base": MODES["several"]},
}


@pytest.mark.spec("CSIP-AUS S-ALL-27..40")
@pytest.mark.parametrize("mode", MODES)
def test_a_control_of_every_mode_is_told_when_it_comes_and_when_it_is_cancelled(mode: str) -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    terms = EventTerms(start=utility.now, duration=10 * MINUTE)
    made = utility.issuer.create_control(utility.program, MODES[mode], terms, utility.now)
    name = utility.do(made)
    for status in (1, 2):
        assert utility.look() == [href]
        found = utility.tell(href).resource
        assert isinstance(found, sep.DERControlList)
        (one,) = found.der_control
        assert (one.mrid, one.event_status.current_status) == (name, status)
        assert one.der_control_base == MODES[mode]
        if status == 1:
            utility.do(utility.issuer.cancel(name, utility.now))
    assert utility.look() == []


@pytest.mark.spec("CSIP-AUS S-ALL-27..40")
@pytest.mark.parametrize("mode", DEFAULTS)
def test_a_default_of_every_mode_is_told_when_it_changes(mode: str) -> None:
    utility = Utility()
    href = utility.subscribe(utility.place("dderc"))
    default = sep.DefaultDERControl(mrid="0", **DEFAULTS[mode])  # type: ignore[arg-type] # by name
    utility.do(utility.operator.set_default(utility.program, default, utility.now))
    assert utility.look() == [href]
    found = utility.tell(href).resource
    assert isinstance(found, sep.DefaultDERControl)
    assert found.der_control_base == default.der_control_base
    assert found.set_grad_w == default.set_grad_w


@pytest.mark.spec("CSIP-AUS S-ALL-41")
def test_what_time_makes_of_an_event_is_told_when_it_comes() -> None:
    utility = Utility()
    utility.subscribe(utility.place())
    name = utility.issue(5, 10)
    assert utility.told() == [(utility.place(), 0)]
    watch = utility.server.subscribers.watch
    assert watch.next_at() == int((START + 5 * MINUTE).timestamp())
    assert utility.at(4.9).told() == []
    assert utility.at(5).told() == [(utility.place(), 0)]
    assert watch.next_at() == int((START + 15 * MINUTE).timestamp())
    utility.do(utility.issuer.cancel(name, utility.now))
    assert utility.told() == [(utility.place(), 0)]
    assert utility.at(60).told() == [(utility.place(), 0)]
    assert watch.next_at() is None


@pytest.mark.spec("IEEE 2030.5-2018 Notification", "CSIP CORE-018")
def test_a_notification_holds_what_a_get_would_bring_up_to_its_limit() -> None:
    utility = Utility()
    whole = utility.subscribe(utility.place(), limit=10)
    part = utility.subscribe(utility.place(), f"{URI}/2", limit=2)
    bare = utility.subscribe(utility.place(), f"{URI}/3", limit=0)
    single = utility.subscribe(utility.place("dderc"), limit=0)
    names = [utility.issue(start) for start in (5, 20, 40)]
    body = utility.server.read(utility.place(), "l=10", LFDI, utility.now).body
    assert utility.look() == [whole, part, bare]
    assert utility.tell(whole).resource == decode(body, sep.DERControlList).value
    for href, expected in ((part, names[:2]), (bare, [])):
        found = utility.tell(href).resource
        assert isinstance(found, sep.DERControlList)
        assert [one.mrid for one in found.der_control] == expected
        assert (found.all, found.results) == (3, len(expected))
    default = sep.DefaultDERControl(mrid="0", set_grad_w=27, der_control_base=CAP)
    utility.do(utility.operator.set_default(utility.program, default, utility.now))
    assert utility.look() == [single]
    assert utility.tell(single).resource is None


def test_a_notification_is_never_larger_than_a_document_may_be() -> None:
    utility = Utility()
    href = utility.subscribe("/edev", limit=500)
    turn = Turn(at=utility.now)
    for number in range(500):
        name = f"{number:040d}"
        made = utility.operator.register(NewDevice(lfdi=name, manager=LFDI), utility.now)
        device = next(o for o in made.kept.values() if o is not None and o.kind is sep.EndDevice)
        long = replace(device.value, log_event_list_link=sep.ListLink(href="/" + "x" * 1900))  # type: ignore[type-var] # an EndDevice
        turn.kept |= made.kept
        turn.keep(replace(device, value=long))
    utility.do(turn)
    assert utility.look() == [href]
    notice = utility.server.subscribers.notice(href, utility.now, ORIGIN)
    assert notice is not None
    assert len(notice.body) <= MAX_BYTES
    found = decode(notice.body, sep.Notification).value.resource
    assert isinstance(found, sep.EndDeviceList)
    assert (found.all, found.results) == (502, 250)


def test_changes_that_nobody_could_be_told_are_told_once_as_they_stand() -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    utility.issue(5)
    utility.issue(30)
    assert utility.look() == [href]
    notice = utility.server.subscribers.notice(href, utility.now, ORIGIN)
    assert notice is not None
    utility.issue(60)  # while it is under way
    utility.do(utility.server.subscribers.delivered(notice, utility.now))
    assert utility.look() == [href]
    found = utility.tell(href).resource
    assert isinstance(found, sep.DERControlList)
    assert found.all == 3
    assert utility.look() == []


@pytest.mark.spec("CSIP MAINT-001", "IEEE 2030.5-2018 Notification")
def test_a_subscription_ends_with_its_resource_and_says_so() -> None:
    utility = Utility()
    gone, lost = utility.subscribe(utility.fsas()), utility.subscribe(utility.place())
    utility.subscribe("/edev")
    place = utility.fsas()
    utility.do(utility.operator.unregister(MANAGED, utility.now))
    assert sorted(utility.told()) == sorted([(place, 4), (utility.place(), 1), ("/edev", 0)])
    for href in (gone, lost):
        assert utility.server.read(href, "", LFDI, START).status == 404
        assert utility.server.book.deliveries.get(href) is None
    assert utility.told() == []


def test_a_subscriber_that_is_unregistered_takes_its_subscriptions_along() -> None:
    utility = Utility()
    utility.subscribe(utility.place())
    utility.do(utility.operator.unregister(LFDI, utility.now))
    assert utility.told() == []
    assert not list(utility.server.book.deliveries)


@pytest.mark.spec("CSIP CORE-019", "IEEE 2030.5-2018 Notification")
def test_an_operator_ends_a_subscription_and_may_say_where_to_go() -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    subscribers = utility.server.subscribers
    for status, to in ((2, ""), (1, "https://other.example/x"), (2, "http://other.example/")):
        with pytest.raises(MisuseError, match="BAD_RESOURCE"):
            subscribers.end(href, utility.now, status, to)
    utility.do(subscribers.end(href, utility.now, 2, "https://other.example/x"))
    assert utility.look() == [href]
    told = utility.tell(href)
    assert (told.status, told.new_resource_uri) == (2, "https://other.example/x")
    with pytest.raises(MisuseError, match="UNKNOWN_RESOURCE"):
        subscribers.end(href, utility.now)
    assert utility.look() == []


def test_a_subscription_that_ends_while_it_is_told_is_still_told_its_end() -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    utility.issue()
    subscribers = utility.server.subscribers
    notice = subscribers.notice(href, utility.now, ORIGIN)
    assert notice is not None
    utility.do(subscribers.end(href, utility.now))
    utility.do(subscribers.delivered(notice, utility.now))
    assert utility.look() == [href]
    assert utility.tell(href).status == 1


def test_a_subscriber_that_stays_silent_for_a_day_is_dropped_unless_it_renews() -> None:
    utility = Utility()
    href = utility.subscribe(utility.place())
    other = utility.subscribe(utility.place(), f"{URI}/2")
    utility.issue(6000)
    subscribers = utility.server.subscribers
    notices = {h: subscribers.notice(h, utility.now, ORIGIN) for h in utility.look()}
    for minutes in (0, 1439, 1440):
        if minutes == 1439:
            utility.at(minutes).send("POST", utility.sub(), subscription(utility.place(), URI))
        for notice in notices.values():
            assert notice is not None
            utility.do(subscribers.failed(notice, utility.at(minutes).now))
    assert [one.subscription for one in utility.server.book.deliveries] == [href]
    assert utility.server.read(other, "", LFDI, utility.now).status == 404
    assert utility.look() == [href]


def test_a_server_begun_anew_owes_what_it_owed() -> None:
    utility = Utility()
    quiet, owed = utility.subscribe("/edev"), utility.subscribe(utility.place())
    utility.issue()
    book = utility.server.book
    members = [(place, href) for place in book.entries for href in book.placed(place)]
    again = Sep2Server(
        utility.server.options, CountedIds(), book.entries.values(), members, book.deliveries
    )
    again.subscribers.look(utility.now)
    assert list(again.subscribers.watch.waiting) == [owed]
    assert quiet in again.book.deliveries


def test_devices_of_an_older_file_are_given_a_list_of_subscriptions() -> None:
    utility = Utility()
    book = utility.server.book
    old = []
    for one in book.entries.values():
        if isinstance(one.value, sep.EndDevice):
            bare = replace(one.value, subscription_list_link=None, subscribable=None)
            old.append(replace(one, value=bare))
        elif one.kind is not sep.SubscriptionList:
            old.append(one)
    again = Sep2Server(utility.server.options, CountedIds(), old)
    again.take(again.open(utility.now))
    for lfdi, has in ((LFDI, True), (OTHER, True), (MANAGED, False)):
        device = again.book.device(lfdi)
        assert device is not None
        assert isinstance(device.value, sep.EndDevice)
        assert (device.value.subscription_list_link is not None) is has
        assert (again.book.entry(f"{device.href}/sub") is not None) is has
    assert not again.open(utility.now).changes


def test_nothing_is_remembered_of_changes_that_nobody_waits_for() -> None:
    utility = Utility(subscriptions=False)
    for minute in range(1, 5):
        utility.issue(minute * 20)
    assert utility.server.book.touched == set()
