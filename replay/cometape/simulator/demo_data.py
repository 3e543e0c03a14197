"""The contact centre that `cometape simulate` starts with; `docs/simulator.md` describes it.

The passwords are demo credentials, printed by the command itself. Workbin `testWorkbin` of
MaratTest with workitem 02F0ASAK8EAFA00W is the sample of docs.genesys.com
WorkbinSupPullIntFromWorkbin, value for value.
"""

from __future__ import annotations

from cometape.core.json_value import JsonObject

from .media import CHAT, EMAIL, WORKITEM, Medium
from .model import DataSet, Interaction, InWorkbin, Owner, User, Workbin, WorkbinCopy
from .user_data import placed_set, routing_set, submitted_set

AGENT7 = User(
    id="7a1f0c5e9b3d4f6aa2c8e1d7b4093f57",
    user_name="agent7",
    password="agent7-password",
    first_name="Ada",
    last_name="Seven",
    place="Place_7",
    device_id="efe1ab32-53f9-43ce-b65e-5768c61f7d07",
    phone_number="5007",
    agent_groups=("Tier2",),
    place_groups=("FrontOffice",),
    nickname="Ada",
)
AGENT8 = User(
    id="83c2d9b07e514a1c9f60d4ab1e2275c8",
    user_name="agent8",
    password="agent8-password",
    first_name="Ben",
    last_name="Eight",
    place="Place_8",
    device_id="efe1ab32-53f9-43ce-b65e-5768c61f7d08",
    phone_number="5008",
    agent_groups=("Tier2", "Tier3"),
    place_groups=("FrontOffice",),
    nickname="Ben",
)
MARAT = User(
    id="00025aA4V4DR00P5",
    user_name="MaratTest",
    password="MaratTest-password",
    first_name="Marat",
    last_name="Test",
    place="Place_Marat",
    device_id="efe1ab32-53f9-43ce-b65e-5768c61f7d09",
    phone_number="5009",
    agent_groups=("Tier2",),
    nickname="Marat",
)
SUPERVISOR = User(
    id="5e0f6d7c8b9a4c3d8e2f1a0b9c8d7e6f",
    user_name="supervisor",
    password="supervisor-password",
    first_name="Sue",
    last_name="Visor",
    supervisor=True,
    place="Place_Super",
    device_id="efe1ab32-53f9-43ce-b65e-5768c61f7d01",
    phone_number="5001",
    agent_groups=("Tier2", "Tier3"),
    place_groups=("FrontOffice",),
    nickname="Sue",
)
USERS = (AGENT7, AGENT8, MARAT, SUPERVISOR)

DRAFTS = Workbin(
    id="0b0e4b0e-6a35-4b9e-9d4e-3d0a9f6e2c11",
    name="draft-emails",
    display_name="Draft e-mails",
    type="Agent",
)
IN_PROGRESS = Workbin(
    id="9c1d5f7a-2e64-4a0b-8f3c-71d2e0b4a522",
    name="in-progress",
    display_name="In progress",
    type="Agent",
    name_key="name",
)
TEST_WORKBIN = Workbin(
    id="3434543fafwe987",
    name="testWorkbin",
    display_name="testWorkbin",
    type="Agent",
)
TRAY = Workbin(
    id="4b8e2a90-1c7d-4e5f-a6b3-0d9c8f7e6a33",
    name="place-tray",
    display_name="Tray of the place",
    type="Place",
)
SHARED = Workbin(
    id="6c715fa9-de16-4d23-b07c-cbcb1caf3e44",
    name="group-shared",
    display_name="Shared by the agent group",
    type="AgentGroup",
    name_key="name",
)
COUNTER = Workbin(
    id="d27a64c1-95be-4f08-b1e7-3c5a9d80f255",
    name="front-counter",
    display_name="Shared by the place group",
    type="PlaceGroup",
)
WORKBINS = (DRAFTS, IN_PROGRESS, TEST_WORKBIN, TRAY, SHARED, COUNTER)

AGENT_GROUPS = ("Tier2", "Tier3")
PLACE_GROUPS = ("FrontOffice",)

MARAT_USER_DATA: JsonObject = {
    "SubmittedAt": "2014-04-17T04:03:21Z",
    "RTargetTypeSelected": "2",
    "RTargetObjectSelected": "?:2>1",
    "RVQID": "",
    "InteractionId": "02F0ASAK8EAFA00W",
    "AssignedAt": "2014-04-17T04:03:25Z",
    "RTargetObjSelDBID": "",
    "CBR-IT-path_DBIDs": "",
    "Workbin": "testWorkbin",
    "RTargetAgentSelected": "MaratTest",
    "CBR-Interaction_cost": "",
    "CBR-contract_DBIDs": "",
    "PlacedInQueueAt": "2014-04-17T04:03:56Z",
    "DeliveredAt": "2014-04-17T04:03:25Z",
    "SubmittedBy": "es_inx_wscp",
    "SubmitSeq": "71051572",
    "IsHeld": 0,
    "RTargetPlaceSelected": "",
    "CBR-actual_volume": "",
    "RTenant": "Environment",
    "RRequestedSkills": None,
    "AssignedTo": "MaratTest",
    "IsLocked": 0,
    "RRequestedSkillCombination": "",
    "RVQDBID": "",
    "RStrategyDBID": "197",
    "CustomerSegment": "default",
    "PlaceInQueueSeq": "71051592",
    "PegAG?:2>1": 1,
    "IsOnline": 0,
    "ServiceType": "default",
    "RTargetRuleSelected": "",
    "WorkbinAgentId": "MaratTest",
    "MovedToQueueAt": "2014-04-17T04:03:56Z",
    "ReceivedAt": "2014-04-17T04:03:21Z",
    "RTargetRequested": "?:2>1",
    "RTargetAgentGroup": "?:2>1",
    "RStrategyName": "RouteWorkitemToAgent",
    "ServiceObjective": 0,
}


def _item(
    interaction_id: str, medium: Medium, workbin: Workbin, owner: User | str, **attached: str
) -> tuple[Interaction, InWorkbin]:
    """An interaction that somebody placed in a workbin in the morning of 1 March 2026."""
    agent = owner.user_name if isinstance(owner, User) else ""
    name = owner if isinstance(owner, str) else owner.id
    if isinstance(owner, User) and workbin.type == "Place":
        name = owner.place
    sequence = 71051600 + len(interaction_id) + ord(interaction_id[-1])
    user_data: JsonObject = {
        **submitted_set(interaction_id, agent or "agent8", "2026-03-01T08:40:12Z", sequence),
        **routing_set(agent or "agent8"),
        **placed_set(workbin.name, agent, "2026-03-01T08:55:02Z", sequence + 20),
        **attached,
    }
    if medium is CHAT:
        user_data |= {
            "ChatServerAppName": "esv_chat_srv",
            "ChatServerDBID": "147",
            "ChatServerHost": "chat.gws.example",
            "ChatServerPort": "4856",
            "ChatServerModeHA": "true",
            "OccuredAt": "2026-03-01T08:40:10Z",
        }
    interaction = Interaction(
        id=interaction_id,
        medium=medium,
        received_date="2026-03-01 08:40:12.000+0000",
        user_data=user_data,
    )
    return interaction, InWorkbin(WorkbinCopy(workbin.id, Owner(workbin.type, name)))


_MAIL = {"Mailbox": "service@gws.example", "To": "service@gws.example"}

INTERACTIONS = (
    (
        Interaction(
            id="02F0ASAK8EAFA00W",
            medium=WORKITEM,
            received_date="2014-04-17 04:03:21.000+0000",
            user_data=MARAT_USER_DATA,
        ),
        InWorkbin(WorkbinCopy(TEST_WORKBIN.id, Owner("Agent", MARAT.id))),
    ),
    _item("02F0XAMPLE00001A", WORKITEM, IN_PROGRESS, AGENT7, Subject="Change of address"),
    _item("02F0XAMPLE00001B", WORKITEM, IN_PROGRESS, AGENT7, Subject="Second reminder"),
    _item("02F0XAMPLE00001C", EMAIL, DRAFTS, AGENT7, FromPersonal="Pat Example", **_MAIL),
    _item("0001XaMPLE0000AA", CHAT, IN_PROGRESS, AGENT7),
    _item("02F0XAMPLE00002A", WORKITEM, IN_PROGRESS, AGENT8, Subject="Refund"),
    _item("02F0XAMPLE00002C", EMAIL, DRAFTS, AGENT8, FromPersonal="Kim Example", **_MAIL),
    _item("02F0XAMPLE00003A", WORKITEM, TRAY, AGENT7, Subject="Left at the place"),
    _item("02F0XAMPLE00004A", WORKITEM, SHARED, "Tier2", Subject="For anyone in Tier2"),
    _item("0001XaMPLE0000BB", CHAT, SHARED, "Tier2"),
    _item("02F0XAMPLE00004C", EMAIL, SHARED, "Tier3", FromPersonal="Lee Example", **_MAIL),
    _item("02F0XAMPLE00005A", WORKITEM, COUNTER, "FrontOffice", Subject="Waits at the counter"),
)

CONTACTS: tuple[JsonObject, ...] = (
    {"id": "00038aB5K2MT000A", "firstName": "Pat", "lastName": "Example"},
    {"id": "00038aB5K2MT000B", "firstName": "Kim", "lastName": "Example"},
)

DEMO_DATA = DataSet(
    users=USERS,
    workbins=WORKBINS,
    interactions=INTERACTIONS,
    agent_groups=AGENT_GROUPS,
    place_groups=PLACE_GROUPS,
    contacts=CONTACTS,
)
