"""The part of the Hub's protocol that writes: making a dataset, uploading large files, committing. See `hub_server`."""

import base64
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.hub_server import HubServer

Answer = tuple[int, dict[str, Any]]


def accept(hub: "HubServer", path: str, token: str, body: bytes) -> Answer:
    """What the Hub does with a POST or PUT, and its answer."""
    if match := re.fullmatch(r"/upload/([0-9a-f]{64})", path):
        hub.blobs[match[1]] = body
        return 200, {}
    if token not in hub.tokens:
        return 401, {"error": "Invalid credentials in Authorization header"}
    if path == "/api/repos/create":
        return _create(hub, token, json.loads(body))
    match = re.fullmatch(r"(?:/api)?/datasets/([^/]+/[^/]+?)(?:\.git)?/(preupload/main|commit/main|info/lfs/objects/batch)", path)
    if match is None or match[1] not in hub.repos:
        return 404, {"error": "Repository not found"}
    if token not in hub.writers:
        return 403, {"error": "You don't have the rights to write here"}
    if match[2].startswith("preupload"):
        return 200, {"files": [_mode(str(file["path"])) for file in json.loads(body)["files"]]}
    if match[2].startswith("commit"):
        return _commit(hub, match[1], [json.loads(line) for line in body.splitlines()])
    wanted = json.loads(body)["objects"]
    return 200, {
        "transfer": "basic",
        "objects": [{**known, "actions": {"upload": {"href": f"{hub.cdn_url}/upload/{known['oid']}"}}} for known in wanted],
    }


def _mode(path: str) -> dict[str, Any]:
    return {"path": path, "uploadMode": "lfs" if path.endswith((".gz", ".parquet")) else "regular", "shouldIgnore": False, "oid": None}


def _create(hub: "HubServer", token: str, wanted: dict[str, Any]) -> Answer:
    name = f"{wanted['organization']}/{wanted['name']}"
    url = {"url": f"{hub.url}/datasets/{name}"}
    if name in hub.repos:
        return 409, url
    if token not in hub.writers:
        return 403, {"error": "You don't have the rights to make this"}
    hub.add(name, {".gitattributes": b"*.gz filter=lfs"})
    return 200, url


def _commit(hub: "HubServer", name: str, lines: list[dict[str, Any]]) -> Answer:
    repo = hub.repos[name]
    files = dict(repo.revisions["main"])
    for line in lines:
        value = line["value"]
        if line["key"] == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif line["key"] == "lfsFile":
            files[value["path"]] = hub.blobs[value["oid"]]
        elif line["key"] == "deletedFolder":
            files = {path: content for path, content in files.items() if not path.startswith(value["path"].rstrip("/") + "/")}
    repo.revisions["main"] = files
    commit = repo.commit("main")
    return 200, {"commitUrl": f"{hub.url}/datasets/{name}/commit/{commit}", "commitOid": commit}
