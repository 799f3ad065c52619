"""Community: what visitors of this server published for others, and publishing something of one's own."""

from dissection.dashboard import session, show
from dissection.dashboard.community_form import community_page

dataset = session.current()
show.page_head("Community", "What did others publish, and what do you want to give them?", dataset)
community_page(dataset)
