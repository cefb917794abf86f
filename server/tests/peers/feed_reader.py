"""A reader of Server-Sent Events with nothing but the standard library, as an EventSource would behave.

Prints the cpu of each of the first COUNT samples, and loses its connection once after the first CUT of them.

Usage: feed_reader.py http://HOST:PORT/feed COUNT CUT
"""
import json
import sys
import urllib.request

address, count, cut = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
last_id, n_samples, has_cut = "", 0, False
while n_samples < count:
    headers = {"Last-Event-ID": last_id} if last_id else {}
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=30) as feed:
        name, data, event_id = "message", "", last_id
        for line in feed:
            line = line.decode().rstrip("\n")
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                event_id = value
            elif line == "":
                last_id = event_id
                if name == "message" and data:
                    sample = json.loads(data)
                    assert {"color", "timestamp", "cpu", "mem"} <= sample.keys(), sample
                    print(sample["cpu"])
                    n_samples += 1
                name, data = "message", ""
                if n_samples >= count or (n_samples == cut and not has_cut):
                    has_cut = True
                    break
