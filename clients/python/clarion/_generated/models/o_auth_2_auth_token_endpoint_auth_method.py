from typing import Literal

OAuth2AuthTokenEndpointAuthMethod = Literal["client_secret_basic", "client_secret_post"]

O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_VALUES: set[OAuth2AuthTokenEndpointAuthMethod] = {
    "client_secret_basic",
    "client_secret_post",
}


def check_o_auth_2_auth_token_endpoint_auth_method(value: str) -> OAuth2AuthTokenEndpointAuthMethod:
    if value in O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_VALUES!r}")
