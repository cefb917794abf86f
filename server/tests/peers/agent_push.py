"""An agent as anyone would write it: PUSH, one JSON object per message, ten a second.

Usage: agent_push.py tcp://HOST:PORT COLOR
"""
import datetime
import sys
import time

import zmq

address, color = sys.argv[1:3]
socket = zmq.Context().socket(zmq.PUSH)
socket.connect(address)
while True:
    now = datetime.datetime.now().astimezone().isoformat()
    socket.send_json({"color": color, "timestamp": now, "cpu": 1.5, "mem": 20})
    time.sleep(0.1)
