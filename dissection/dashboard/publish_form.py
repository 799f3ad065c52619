"""Publishing something of one's own: what, how it is called, under which licence, what becomes public, and consent to it."""

import json

import streamlit as st

from dissection import settings
from dissection.community.card import LICENCES, LONGEST, OTHER, Draft
from dissection.community.consent import consent
from dissection.community.content import Subject, first_record, summary
from dissection.community.folder import Store
from dissection.community.publishing import Published, publish
from dissection.dashboard import session, show
from dissection.dashboard.limits import only_shown
from dissection.dataset import PairDataset
from dissection.errors import InputError
from dissection.figures.style import plain_markdown

MOST_PUBLISHED = 10  # in one session
PREVIEW = 1500  # characters
OTHER_LICENCE = "another one"


def publish_form(store: Store, dataset: PairDataset) -> None:
    """The part of the Community page where a visitor publishes; `dataset` is the one in view, with their judges in it."""
    if settings.read_only():
        only_shown("publish something")
        return
    _last()
    subjects = _subjects(dataset)
    if not subjects:
        st.caption(
            "Nothing in view is yours to publish. Upload a dataset or a judge's labels first, and choose that data in the sidebar. Nothing is "
            "published unasked."
        )
        st.page_link("pages/upload.py", label="Upload", icon=":material/upload_file:")
        return
    if st.session_state.get("publishes", 0) >= MOST_PUBLISHED:
        st.caption(f"You have published {MOST_PUBLISHED} entries in this session, as many as one may.")
        return
    labels = list(subjects)
    subject = subjects[str(st.selectbox("What", labels, key=_key("what"), persist_state="session"))]
    try:
        lines, row = summary(subject), first_record(subject)
    except InputError as error:
        show.mistake(error)
        return
    draft = _draft()
    st.markdown("What becomes public:\n" + "\n".join(f"- {plain_markdown(line)}" for line in lines))
    st.caption("The first row as it will stand in the file:")
    st.code(_preview(row), language="json", wrap_lines=True)
    agreed = st.checkbox(
        plain_markdown(consent(subject.kind, store.place)), key=_key(f"consent-{dataset.content_hash[:16]}-{subject.judge}-{draft.licence}")
    )
    missing = [
        name
        for name, there in (
            ("a title", draft.title),
            ("a description", draft.description),
            ("a licence", draft.licence.removeprefix(OTHER)),
            ("your consent", agreed),
        )
        if not there
    ]
    if missing:
        st.caption(f"Before it can be published: {', '.join(missing)}.")
    if st.button("Publish", type="primary", icon=":material/publish:", disabled=bool(missing), key="publish"):
        _publish(store, subject, draft)


def _key(name: str) -> str:
    """A widget's key; a new round, after each publishing, empties the form."""
    return f"publish-{name}-{st.session_state.get('publish_round', 0)}"


def _subjects(dataset: PairDataset) -> dict[str, Subject]:
    key = session.current_key()
    found = {}
    if key in session.own_datasets() and key not in session.from_community():
        found[f"The dataset {dataset.name}"] = Subject(session.base_dataset(key))
    for name in session.own_judges(key):
        found[f"The labels of {name} on {dataset.name}"] = Subject(dataset, name)
    return found


def _draft() -> Draft:
    left, right = st.columns(2)
    title = left.text_input("Title", max_chars=LONGEST["title"], key=_key("title"), persist_state="session")
    author = right.text_input("Author (optional)", max_chars=LONGEST["author"], key=_key("author"), persist_state="session")
    description = st.text_area(
        "Description",
        max_chars=LONGEST["description"],
        height=90,
        placeholder="What the pairs are, who judged them and how, what others should know before they use it",
        key=_key("description"),
        persist_state="session",
    )
    left, right = st.columns(2)
    licence = left.selectbox(
        "Licence", [*LICENCES, OTHER_LICENCE], index=None, placeholder="Choose a licence", key=_key("licence"), persist_state="session"
    )
    if licence == OTHER_LICENCE:
        licence = OTHER + right.text_input("Its name", max_chars=LONGEST["licence"] - len(OTHER), key=_key("other")).strip()
    return Draft(title.strip(), description.strip(), licence or "", author.strip())


def _preview(row: dict[str, object]) -> str:
    text = json.dumps(row, indent=1, ensure_ascii=False, default=str)
    return text if len(text) <= PREVIEW else f"{text[:PREVIEW]} …"


def _publish(store: Store, subject: Subject, draft: Draft) -> None:
    try:
        with st.spinner("Publishing …"):
            published = publish(store, subject, draft)
    except InputError as error:
        show.mistake(error)
        return
    st.session_state["published"] = published
    st.session_state["publishes"] = st.session_state.get("publishes", 0) + 1
    st.session_state["publish_round"] = st.session_state.get("publish_round", 0) + 1
    st.rerun()


def _last() -> None:
    """What was just published, with its removal key, until the visitor has kept that."""
    published: Published | None = st.session_state.get("published")
    if published is None:
        return
    with st.container(border=True, key="published"):
        st.success(
            f"**{plain_markdown(published.card.title)}** is published. This is its removal key. Keep it: it is shown here only, and nobody "
            "else has it.",
            icon=":material/check:",
        )
        st.code(published.key, language=None)
        st.button("I have kept it", key="published-kept", on_click=st.session_state.pop, args=("published", None))
