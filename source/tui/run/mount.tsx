import {render, type Instance} from 'ink';
import {App} from '../app/app.tsx';
import {SurroundingsProvider, type Surroundings} from '../view/context.ts';
import {EventEmitter} from 'node:events';
import {nothingToRead} from '../terminal/listen.ts';

/** A stream for Ink that goes nowhere, since the screen writes to the terminal. */
const nothingToWriteTo = Object.assign(new EventEmitter(), {isTTY: true, columns: 80, rows: 24, write: () => true});

/** Runs the app in Ink, which writes nothing. An error in a component ends it and rejects `waitUntilExit`. */
export function mount(surroundings: Surroundings): Instance {
	return render(
		<SurroundingsProvider value={surroundings}>
			<App />
		</SurroundingsProvider>,
		{
			stdout: nothingToWriteTo as unknown as NodeJS.WriteStream,
			stdin: nothingToRead as unknown as NodeJS.ReadStream,
			debug: true,
			interactive: true,
			isScreenReaderEnabled: false,
			exitOnCtrlC: false,
			patchConsole: false,
		},
	);
}
