import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {expect, test} from 'vitest';
import {worseThanRecorded} from '../../bench/results.ts';

test('a ratio may be a fifth worse than the recorded one, and must be recorded', () => {
	const folder = mkdtempSync(path.join(tmpdir(), 'agentmux-bench-results-'));
	try {
		const file = path.join(folder, 'RESULTS.md');
		writeFileSync(
			file,
			[
				'| agentmux inbox | 1 ms = 9.00 × floor | of another table |',
				'<!-- results -->',
				'| figure | measured | floor | goal | |',
				'|---|---|---|---|---|',
				'| agentmux send | 60 ms = 2.00 × floor, 70 ms in all | empty: 30 ms | ≤ 2 | met |',
				'| agentmux inbox | 60 ms = 2.00 × floor | empty: 30 ms | ≤ 2 | met |',
				'| hub RSS | 220 MB | idle: 40 MB | ≤ 250 MB | met |',
				'<!-- end -->',
				'| agentmux agents | 1 ms = 9.00 × floor | of another table |',
			].join('\n'),
		);
		const figure = (what: string, ratio: string) => ({what, measured: `1 ms = ${ratio} × floor`});
		const sentences = worseThanRecorded(file, 'results', 'end', [
			figure('agentmux send', '2.40'),
			figure('agentmux inbox', '2.41'),
			figure('agentmux agents', '1.00'),
			{what: 'hub RSS', measured: '900 MB'},
		]);
		expect(sentences).toEqual([
			'agentmux inbox: 2.41 × floor, recorded 2',
			'agentmux agents: not recorded; npm run bench -- NAME --write records it',
		]);
	} finally {
		rmSync(folder, {recursive: true, force: true});
	}
});
