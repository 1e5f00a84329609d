"""Whether a client is in service: it has read the way from DeviceCapability down to the controls."""

from collections.abc import Callable

from conformance.kit.sep2.utility import Server
from conformance.kit.transcript import Side, Transcript

_WAY = ("DeviceCapability", "Time", "EndDeviceList")


def missing_reads(server: Server, transcript: Transcript) -> set[str]:
    """Return the names of the resources that the client must read and has not."""
    done = {
        e.request.path.partition("?")[0]
        for e in transcript.exchanges(Side.DEVICE)
        if e.delivered and e.request.method == "GET"
    }
    wanted = {server.href(name): name for name in _WAY}
    for lfdi in server.devices:
        account = server.account(lfdi)
        wanted[server.href("FunctionSetAssignmentsList", lfdi)] = "FunctionSetAssignmentsList"
        for assignment in account.assignments:
            wanted[server.href("DERProgramList", assignment)] = "DERProgramList"
    for program in server.programs:
        wanted[server.href("DERControlList", program)] = "DERControlList"
    return {name for path, name in wanted.items() if path not in done}


def in_service(server: Server) -> Callable[[Transcript], bool]:
    """Return the condition that nothing is missing."""
    return lambda transcript: not missing_reads(server, transcript)
