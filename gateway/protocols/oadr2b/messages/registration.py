"""EiRegisterParty: query, create, cancel and ask anew for a registration."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.protocols.oadr2b.messages.response import EiResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrQueryRegistration:
    """Ask a VTN what it offers, without registering."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreatePartyRegistration:
    """Register a VEN, or renew its registration when both ids are given."""

    request_id: str
    registration_id: str | None = None
    ven_id: str | None = None
    oadr_profile_name: str = "2.0b"
    oadr_transport_name: str = "simpleHttp"
    oadr_transport_address: str | None = None
    """Root address of a push VEN, with port; absent in pull."""
    oadr_report_only: bool = False
    oadr_xml_signature: bool = False
    oadr_ven_name: str | None = None
    oadr_http_pull_model: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrProfile:
    """One profile a VTN supports, with its transports (``simpleHttp``, ``xmpp``)."""

    oadr_profile_name: str
    oadr_transports: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrInfo:
    """A key and its value."""

    oadr_key: str
    oadr_value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrService:
    """Registration details of one service (``EiEvent``, ``EiOpt``, …)."""

    oadr_service_name: str
    oadr_infos: tuple[OadrInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrExtension:
    """A named extension with its details."""

    oadr_extension_name: str
    oadr_infos: tuple[OadrInfo, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCreatedPartyRegistration:
    """The VTN's answer to a query or a registration."""

    ei_response: EiResponse
    registration_id: str | None = None
    ven_id: str | None = None
    vtn_id: str
    oadr_profiles: tuple[OadrProfile, ...]
    """Everything the VTN supports, at least one (OpenADR 2.0b rule 403)."""
    oadr_requested_oadr_poll_freq: timedelta | None = None
    oadr_service_specific_info: tuple[OadrService, ...] = ()
    oadr_extensions: tuple[OadrExtension, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCancelPartyRegistration:
    """End a registration; either side may send it."""

    request_id: str
    registration_id: str
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrCanceledPartyRegistration:
    """The answer to a cancellation, with the ids it named."""

    ei_response: EiResponse
    registration_id: str | None = None
    ven_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OadrRequestReregistration:
    """The VTN asks the VEN to register anew with its present ids."""

    ven_id: str
