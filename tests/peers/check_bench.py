"""Checks the most important fields of the JSON file that `cargo bench --bench compare` writes: check_bench.py JSON."""

import json
import sys

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
