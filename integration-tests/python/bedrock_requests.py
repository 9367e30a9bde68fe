"""Judges requests by botocore's description of Bedrock: a JSON array of `{path, body}` on standard input."""

import json
import re
import sys
import urllib.parse

import botocore.session
import botocore.validate

OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}

service = botocore.session.get_session().get_service_model("bedrock-runtime")
requests = json.load(sys.stdin)
for request in requests:
    match = re.fullmatch(r"/model/([^/]+)/([a-z-]+)", request["path"])
    assert match, f"{request['path']} is no path of Bedrock's"
    operation = service.operation_model(OPERATIONS[match[2]])
    parameters = {"modelId": urllib.parse.unquote(match[1]), **request["body"]}
    report = botocore.validate.ParamValidator().validate(parameters, operation.input_shape)
    assert not report.has_errors(), f"{operation.name}: {report.generate_report()} in {json.dumps(request['body'])}"
    # What the description says of names and ids, and botocore leaves to the service.
    for message in request["body"]["messages"]:
        for block in message["content"]:
            use = block.get("toolUse") or block.get("toolResult")
            if use:
                assert re.fullmatch(r"[a-zA-Z0-9_.:-]{1,64}", use["toolUseId"]), use
    for tool in request["body"].get("toolConfig", {}).get("tools", []):
        if "toolSpec" in tool:
            assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["toolSpec"]["name"]), tool
print(f"{len(requests)} requests fit {service.service_name}")
