from typing import Literal

OAuth2AuthTokenEndpointAuthMethodType0 = Literal["client_secret_basic", "client_secret_post"]

O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_TYPE_0_VALUES: set[OAuth2AuthTokenEndpointAuthMethodType0] = {
    "client_secret_basic",
    "client_secret_post",
}


def check_o_auth_2_auth_token_endpoint_auth_method_type_0(value: str) -> OAuth2AuthTokenEndpointAuthMethodType0:
    if value in O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_TYPE_0_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {O_AUTH_2_AUTH_TOKEN_ENDPOINT_AUTH_METHOD_TYPE_0_VALUES!r}"
    )
