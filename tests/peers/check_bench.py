"""Checks what readers of the benchmark's JSON and SVG rely on: check_bench.py JSON SVG."""

import json
import sys
from xml.dom import minidom

run = json.load(open(sys.argv[1]))
assert run['rounds'] == 2 and run['quick'] is True and run['smolstep'], run
assert run['machine']['cores'] >= 1 and all(run['machine'][key] for key in ('cpu', 'kernel', 'congestion', 'load')), run
assert [row['name'] for row in run['rows']] == ['receive-tuntap', 'latency-kernel'], run
for row, unit in zip(run['rows'], ['Gbit/s', 'µs']):
    assert row['verdict'] in ('met', 'missed'), row
    for part in ('ours', 'against', 'result'):
        assert 0 < row[part]['low'] <= row[part]['median'] <= row[part]['high'], row
    assert row['ours']['unit'] == row['against']['unit'] == unit, row
    assert row['ours']['of'] == 'smolstep', row
picture = minidom.parse(sys.argv[2]).documentElement
assert picture.tagName == 'svg' and len(picture.getElementsByTagName('rect')) == 1 + 4, picture.toxml()
texts = [text.firstChild.data for text in picture.getElementsByTagName('text')]
assert 'receive-tuntap' in texts and 'latency-kernel' in texts, texts
