"""An agent as anyone would write it: PUB, one JSON object per message, ten a second.

Usage: agent_pub.py tcp://HOST:PORT COLOR      connects
       agent_pub.py @tcp://HOST:PORT COLOR     binds, and prints where
"""
import datetime
import json
import sys
import time

import zmq

address, color = sys.argv[1:3]
socket = zmq.Context().socket(zmq.PUB)
if address.startswith("@"):
    socket.bind(address[1:])
    print(socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
else:
    socket.connect(address)
while True:
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    socket.send_string(json.dumps({"color": color, "timestamp": now, "cpu": 1.5, "mem": 20}))
    time.sleep(0.1)
