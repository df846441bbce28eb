import {render, type Instance} from 'ink';
import {App} from '../app/app.tsx';
import {SurroundingsProvider, type Surroundings} from '../view/context.ts';
import {EventEmitter} from 'node:events';
import {nothingToRead} from '../terminal/listen.ts';

/** The screen writes to the terminal; this has what Ink uses of a stream. */
const nothingToWriteTo = Object.assign(new EventEmitter(), {isTTY: true, columns: 80, rows: 24, write: () => true});

/** Lets Ink run the app, which writes nothing by itself. A fault in a component ends it, and rejects `waitUntilExit`. */
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
