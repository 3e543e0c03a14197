"""The media of the Workbins API: how each is spelled in URLs, channels, messages and operations.

Workitems, chats, e-mails and Facebook are documented (docs.genesys.com WorkitemMessageType,
ChatMessageType, FacebookMessageType, WorkbinsMessageType); tweets, Facebook sessions and open media
follow their pattern.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """One medium and its spellings."""

    name: str
    """As a `subresources` selector and payload key: `workitem`."""
    title: str
    """As the tail of an operation name: `Workitem` in `PullWorkitem`."""
    collection: str
    """As a URL segment and as the key of an array: `workitems`."""
    channel: str
    """The Bayeux channel of its messages."""
    message_type: str
    """`messageType` of its state changes."""
    processing: str = "Processing"
    """The state of an interaction that an agent works on."""
    capabilities: tuple[str, ...] = ()
    """What an agent who works on one may do."""
    participants: bool = False
    """Whether its resource lists participants."""
    documented_uri: bool = True
    """Whether its resource inside a workbin has `uri` and `state`; the chat samples have not."""

    @property
    def state_resource(self) -> str:
        """The key that holds the item in a `WorkbinStateChangeMessage`."""
        return f"{self.name}StateResourceV2"

    @property
    def type_field(self) -> str:
        """`workitemType`, `chatType`, …"""
        return f"{self.name}Type"


_WORK = (
    "Transfer",
    "AttachUserData",
    "UpdateUserData",
    "DeleteUserData",
    "SetInFocus",
    "Complete",
)  # docs.genesys.com WorkbinPullInteractionFromWorkbin, in the order printed there

WORKITEM = Medium(
    name="workitem",
    title="Workitem",
    collection="workitems",
    channel="/v2/me/workitems",
    message_type="WorkitemStateChangeMessage",
    capabilities=_WORK,
)
CHAT = Medium(
    name="chat",
    title="Chat",
    collection="chats",
    channel="/v2/me/chats",
    message_type="ChatStateChangeMessage",
    processing="Chatting",
    capabilities=(
        "Transfer",
        "Leave",
        "Invite",
        "Consult",
        "SetInFocus",
        "SetDisposition",
        "AttachUserData",
        "DeleteUserData",
        "UpdateUserData",
        "Complete",
        "SendMessage",
        "SendStartTypingNotification",
        "SendStopTypingNotification",
    ),  # docs.genesys.com ChatMessageType
    participants=True,
    documented_uri=False,
)
EMAIL = Medium(
    name="email",
    title="Email",
    collection="emails",
    channel="/v2/me/emails",
    message_type="EmailStateChangeMessage",
    capabilities=_WORK,
)
FACEBOOK = Medium(
    name="facebook",
    title="Facebook",
    collection="facebook",
    channel="/v2/me/facebook",
    message_type="FacebookStateChangeMessage",
    capabilities=_WORK,
)
TWEET = Medium(
    name="tweet",
    title="Tweet",
    collection="tweets",
    channel="/v2/me/tweets",
    message_type="TweetStateChangeMessage",
    capabilities=_WORK,
)
FACEBOOK_SESSION = Medium(
    name="facebooksession",
    title="Facebooksession",
    collection="facebooksessions",
    channel="/v2/me/facebooksessions",
    message_type="FacebooksessionStateChangeMessage",
    capabilities=_WORK,
)
OPEN_MEDIA = Medium(
    name="openmedia",
    title="Openmedia",
    collection="openmedia",
    channel="/v2/me/openmedia",
    message_type="OpenmediaStateChangeMessage",
    capabilities=_WORK,
)

MEDIA = (WORKITEM, CHAT, EMAIL, FACEBOOK, TWEET, FACEBOOK_SESSION, OPEN_MEDIA)
MEDIA_BY_NAME = {medium.name: medium for medium in MEDIA}
MEDIA_BY_COLLECTION = {medium.collection: medium for medium in MEDIA}

ALWAYS_LISTED = frozenset({"chats", "emails", "workitems"})
"""Collections that `subresources=*` shows even when empty; the others only with something in."""
