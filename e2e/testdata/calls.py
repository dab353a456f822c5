# Makes AWS calls with boto3, whose own validation is off, and prints what each
# was answered. In: JSON lines {"service", "operation", "input"}; out: JSON lines
# {"status", "code", "message", "output"}.
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

clients = {}
for line in sys.stdin:
    call = json.loads(line)
    name = call["service"]
    if name not in clients:
        clients[name] = boto3.client(name, config=Config(parameter_validation=False, retries={"total_max_attempts": 1}))
    try:
        out = clients[name]._make_api_call(call["operation"], call["input"])
        answer = {"status": out["ResponseMetadata"]["HTTPStatusCode"], "output": out}
    except ClientError as e:
        answer = {"status": e.response["ResponseMetadata"]["HTTPStatusCode"], "code": e.response["Error"].get("Code"), "message": e.response["Error"].get("Message")}
    except Exception as e:  # the client could not read the answer, or the connection broke
        answer = {"status": 0, "code": type(e).__name__, "message": str(e)}
    print(json.dumps(answer, default=str), flush=True)
