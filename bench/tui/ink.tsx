// The usual way: a component for each pane, a Text for each message, no more of them than fit, Ink's own writing.
import {useEffect, useState} from 'react';
import {Box, render, Text, useInput} from 'ink';
import type {MailboxStore} from '../../source/store/mailbox-store.ts';
import {newest, openStore, panesOf, whenChanged, type Pane} from './content.ts';

const {columns, rows} = process.stdout;
const panes = panesOf(columns, rows);

function App({store}: {readonly store: MailboxStore}) {
	const [, setDrawn] = useState(0);
	const [typed, setTyped] = useState('');
	useEffect(() => whenChanged(store, () => setDrawn(count => count + 1)), [store]);
	useInput(keys => setTyped(text => text + keys));
	return (
		<Box flexDirection="column" width={columns} height={rows - 1}>
			<Box>
				{panes.slice(0, 3).map(pane => (
					<Channel key={pane.tag} store={store} pane={pane} />
				))}
			</Box>
			<Box>
				{panes.slice(3).map(pane => (
					<Channel key={pane.tag} store={store} pane={pane} />
				))}
			</Box>
			<Text>{`> ${typed}`}</Text>
		</Box>
	);
}

function Channel({store, pane}: {readonly store: MailboxStore; readonly pane: Pane}) {
	return (
		<Box flexDirection="column" justifyContent="flex-end" overflow="hidden" width={pane.width + 1} height={pane.height}>
			{newest(store, pane).map(({id, tag, body, created_at}) => (
				<Box key={id} flexDirection="column" flexShrink={0} marginTop={1}>
					<Text bold>{`${created_at.slice(11, 19)} ${tag}`}</Text>
					<Text>{body}</Text>
				</Box>
			))}
		</Box>
	);
}

process.on('SIGTERM', () => process.exit());
const store = openStore();
await store.ready;
process.stdout.write('peer is ready');
// Its usual 30 frames a second would be what is measured.
render(<App store={store} />, {maxFps: 60, interactive: true});
