"""A Kubernetes API server without any object, for an istiod that reads its configuration from files.

    kubernetes_api.py PORT

istiod (1.31) does not start without one. Lists are empty, watches stay silent, and nothing can be created.
"""

import http.server
import json
import sys
import time
from urllib.parse import parse_qs, urlparse

KINDS = {
    "configmaps": "ConfigMap",
    "customresourcedefinitions": "CustomResourceDefinition",
    "deployments": "Deployment",
    "endpoints": "Endpoints",
    "endpointslices": "EndpointSlice",
    "ingressclasses": "IngressClass",
    "ingresses": "Ingress",
    "leases": "Lease",
    "mutatingwebhookconfigurations": "MutatingWebhookConfiguration",
    "namespaces": "Namespace",
    "nodes": "Node",
    "pods": "Pod",
    "secrets": "Secret",
    "serviceaccounts": "ServiceAccount",
    "services": "Service",
    "validatingwebhookconfigurations": "ValidatingWebhookConfiguration",
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, status, reason):
        self.answer(status, {
            "kind": "Status", "apiVersion": "v1", "status": "Failure",
            "code": status, "reason": reason, "message": reason,
        })

    def do_GET(self):
        url = urlparse(self.path)
        query, parts = parse_qs(url.query), url.path.strip("/").split("/")
        if url.path == "/version":
            return self.answer(200, {"major": "1", "minor": "34", "gitVersion": "v1.34.0"})
        if "sendInitialEvents" in query:
            # Clients then list and watch.
            return self.refuse(422, "Invalid")
        if "watch" in query:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            return time.sleep(300)
        kind = KINDS.get(parts[-1])
        if kind is None:
            return self.refuse(404, "NotFound")
        api = "v1" if parts[0] == "api" else "/".join(parts[1:3])
        if "PartialObjectMetadataList" in self.headers.get("accept", ""):
            kind, api = "PartialObjectMetadata", "meta.k8s.io/v1"
        metadata = {"resourceVersion": "1"}
        return self.answer(200, {"kind": kind + "List", "apiVersion": api, "metadata": metadata, "items": []})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.refuse(403, "Forbidden")

    do_PUT = do_PATCH = do_POST

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    server.daemon_threads = True
    server.serve_forever()
