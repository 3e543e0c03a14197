"""Reads: answered at once, no `referenceId`, no CometD message.

docs.genesys.com WorkbinGetWorkbins, WorkbinGetWorkbinContent, WorkbinGetWorkbinsSubUser,
WorkbinGetGWContent, InterpretingaResponse, RecoveringExistingState.
"""

from __future__ import annotations

from cometape.core.json_value import Json, JsonObject
from cometape.simulator import agent_sessions

from .desk import Call, Desk, Reply, done
from .media import ALWAYS_LISTED, MEDIA, MEDIA_BY_COLLECTION, Medium
from .messages import interaction_resource, shelved_resource, user_resource, workbin_resource
from .model import Workbin
from .statuses import NO_PERMISSION, NOT_FOUND, OUT_OF_RANGE, Failure
from .targets import GROUP_PARAMETERS, Target, find_target, find_workbin, wanted_ids
from .working import INVITED, INVITED_CAPABILITIES

VERSION = "8.5.200.50"
"""Version of the Web Services that the samples come from."""


def read_version(desk: Desk, call: Call | None = None) -> Reply:
    """`GET /diagnostics/version`, the one read without login."""
    return done(version=VERSION)


def read_workbins(desk: Desk, call: Call) -> Reply:
    """All workbins one may see: `uris`, or `workbins` with `fields`; several by `workbinIds`."""
    if "workbinIds" in call.query:
        chosen = [find_workbin(desk, call, workbin_id) for workbin_id in wanted_ids(call)]
    elif call.scope == "unscoped":
        chosen = list(desk.center.data.workbins)
    else:  # "workbins of type Agent and Place" (WorkbinGetWorkbins)
        chosen = [
            workbin for workbin in desk.center.data.workbins if workbin.type not in GROUP_PARAMETERS
        ]
    full = "workbinIds" in call.query or "subresources" in call.query
    resources = [_workbin(desk, call, workbin) for workbin in chosen]
    if "fields" not in call.query and not full:
        return done(uris=[resource["uri"] for resource in resources])
    fields = _fields(call)
    return done(workbins=[_only(resource, fields) for resource in resources])


def read_workbin(desk: Desk, call: Call) -> Reply:
    """One workbin; with `subresources` also what lies in it."""
    workbin = find_workbin(desk, call, call.ids["workbin"])
    return done(workbin=_only(_workbin(desk, call, workbin), _fields(call)))


def read_medium(desk: Desk, call: Call) -> Reply:
    """One medium of a workbin: the array on top level, or inside the workbin.

    `fields=*` gives `{"workitems":[…]}` (as clients read it), `subresources=*` gives
    `{"workbin":{…,"workitems":[…]}}` (WorkbinGetWorkbinsSubUser), neither gives `uris`.
    """
    medium = MEDIA_BY_COLLECTION[call.ids["media"]]
    target = find_target(desk, call, call.ids["workbin"])
    items = _items(desk, target, medium)
    if "subresources" in call.query:
        resource = _bare_workbin(desk, call, target.workbin)
        return done(workbin={**resource, medium.collection: items})
    if "fields" in call.query:
        fields = _fields(call)
        return done(**{medium.collection: [_only(item, fields) for item in items]})
    return done(
        uris=[
            f"{desk.public_url}/api/v2/{medium.collection}/{interaction.id}"
            for interaction in desk.center.contents(target.copy)
            if interaction.medium is medium
        ]
    )


def read_user(desk: Desk, call: Call) -> Reply:
    """`GET /me` and, for supervisors, `GET /users/{id}`; with `subresources` devices and so on."""
    user = call.subject
    resource = user_resource(user, public_url=desk.public_url)
    if "subresources" in call.query:
        resource |= {
            "devices": [agent_sessions.device(desk, user)],
            "channels": agent_sessions.channels(desk, user),
            "calls": [],
            "settings": {
                "interaction-workspace": {"interaction.disposition.is-mandatory": "false"}
            },
            "features": [{"name": "api-voice"}, {"name": "api-multimedia"}],
            "skills": [],
        }
    return done(user=resource)


def read_users(desk: Desk, call: Call) -> Reply:
    """`GET /users`, for supervisors."""
    if not call.user.supervisor:
        raise Failure(NO_PERMISSION, "only supervisors read other users")
    resources = [user_resource(user, public_url=desk.public_url) for user in desk.center.data.users]
    if "fields" not in call.query:
        return done(uris=[resource["uri"] for resource in resources])
    return done(users=list(resources))


def read_interactions(desk: Desk, call: Call) -> Reply:
    """`GET /me/workitems`: what the caller is invited to or works on."""
    medium = MEDIA_BY_COLLECTION[call.ids["media"]]
    resources = [
        interaction_resource(
            interaction,
            state=location.state,
            capabilities=INVITED_CAPABILITIES if location.state == INVITED else medium.capabilities,
            public_url=desk.public_url,
        )
        for interaction, location in desk.center.held_by(call.subject.id)
        if interaction.medium is medium
    ]
    if "fields" in call.query:
        fields = _fields(call)
        return done(**{medium.collection: [_only(resource, fields) for resource in resources]})
    return done(uris=[resource["uri"] for resource in resources])


def read_interaction(desk: Desk, call: Call) -> Reply:
    """`GET /me/workitems/{id}`."""
    medium = MEDIA_BY_COLLECTION[call.ids["media"]]
    for interaction, location in desk.center.held_by(call.subject.id):
        if interaction.id == call.ids["interaction"] and interaction.medium is medium:
            capabilities = (
                INVITED_CAPABILITIES if location.state == INVITED else medium.capabilities
            )
            resource = interaction_resource(
                interaction,
                state=location.state,
                capabilities=capabilities,
                public_url=desk.public_url,
            )
            return done(**{medium.name: resource})
    raise Failure(NOT_FOUND, f"{medium.name} {call.ids['interaction']}")


def read_contacts(desk: Desk, call: Call) -> Reply:
    """`GET /contacts`."""
    contacts: list[Json] = [
        {**contact, "uri": f"{desk.public_url}/api/v2/contacts/{contact['id']}"}
        for contact in desk.center.data.contacts
    ]
    return done(contacts=contacts)


def read_business_attributes(desk: Desk, call: Call) -> Reply:
    """`GET /internal-api/business-attributes`, which the iOS sample asks for."""
    return done(
        businessAttributes=[
            {"id": "118", "name": "ContactAttributes", "displayName": "Contact attributes"},
            {"id": "121", "name": "DispositionCode", "displayName": "Disposition code"},
        ]
    )


def _bare_workbin(desk: Desk, call: Call, workbin: Workbin) -> JsonObject:
    return workbin_resource(
        workbin,
        name_key=desk.switches["workbin-name-key"],
        public_url=desk.public_url,
        user=call.subject.id if call.scope == "user" else "",
    )


def _workbin(desk: Desk, call: Call, workbin: Workbin) -> JsonObject:
    resource = _bare_workbin(desk, call, workbin)
    selectors = call.listed("subresources")
    if selectors is None or (
        # a list of all workbins cannot name a group for each: groups' contents are left out
        "workbin" not in call.ids
        and workbin.type in GROUP_PARAMETERS
        and GROUP_PARAMETERS[workbin.type] not in call.query
    ):
        return resource
    media = _selected(selectors)
    target = find_target(desk, call, workbin.id)
    for medium in media:
        items = _items(desk, target, medium)
        if items or medium.collection in ALWAYS_LISTED or "*" not in selectors:
            resource[medium.collection] = items
    return resource


def _selected(selectors: list[str]) -> list[Medium]:
    if "*" in selectors:
        return list(MEDIA)
    for selector in selectors:
        if not any(selector in (medium.name, medium.collection) for medium in MEDIA):
            raise Failure(OUT_OF_RANGE, f"subresources {selector}")
    return [
        medium for medium in MEDIA if medium.name in selectors or medium.collection in selectors
    ]


def _items(desk: Desk, target: Target, medium: Medium) -> list[Json]:
    return [
        shelved_resource(interaction, public_url=desk.public_url)
        for interaction in desk.center.contents(target.copy)
        if interaction.medium is medium
    ]


def _fields(call: Call) -> set[str] | None:
    """The chosen fields; None: all."""
    fields = call.listed("fields")
    return None if not fields or "*" in fields else set(fields)


def _only(resource: Json, fields: set[str] | None) -> Json:
    if fields is None or not isinstance(resource, dict):
        return resource
    return {key: value for key, value in resource.items() if key in fields}
