"""Publishing: from what a visitor chose and wrote to an entry, and the key that removes it."""

import secrets
from typing import NamedTuple

from dissection.community.card import CONSENT_VERSION, Card, Draft, checked, now
from dissection.community.content import Subject, content
from dissection.community.folder import Store, hashed_key


class Published(NamedTuple):
    """An entry that is there now, and the only copy of its removal key."""

    card: Card
    key: str


def publish(store: Store, subject: Subject, draft: Draft) -> Published:
    """Publish a dataset or a judge's labels; the publisher has agreed to `consent`.

    Raises:
        CardError: a title, description or licence that no card may have.
        AlreadyThereError: the same content is there.
        CommunityError, DatasetError: it is too large, has no pairs, or could not be read by others; or there is no room for an entry.
        StoreError, HubError: it can't be kept now.
    """
    draft = checked(draft)
    made = content(subject, draft.title)
    key = secrets.token_urlsafe(24)
    card = Card(
        kind=subject.kind,
        **draft._asdict(),
        date=now(),
        consent=CONSENT_VERSION,
        content_hash=made.content_hash,
        judges=made.judges,
        judge_count=made.judge_count,
        source=made.source,
        removal_hash=hashed_key(key),
    )
    store.add(card, made.packed)
    return Published(card, key)
