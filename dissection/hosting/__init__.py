"""What stands between a hosted server and its visitors, whatever they send: layers of ASGI that know nothing of Streamlit."""
