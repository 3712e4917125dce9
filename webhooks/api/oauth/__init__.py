"""The authorization server for programs: OAuth 2.0 client credentials (RFC 6749 section 4.4) and revocation (RFC 7009).

oauthlib judges the requests, tables and tokens are ours. django-oauth-toolkit, which wraps the same oauthlib for
Django, is not used: docs/authentication.md says why.
"""
