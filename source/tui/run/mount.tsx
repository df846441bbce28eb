import {render, type Instance} from 'ink';
import {App} from '../app/app.tsx';
import {SurroundingsProvider, type Surroundings} from '../view/context.ts';
import {nothingToRead} from '../terminal/listen.ts';

/** Lets React and Ink draw the app onto the screen. A fault in a component ends it, and rejects `waitUntilExit`. */
export function mount(surroundings: Surroundings): Instance {
	return render(
		<SurroundingsProvider value={surroundings}>
			<App />
		</SurroundingsProvider>,
		{
			// The screen has what Ink uses of a stream; the frame goes to it whole, at each commit.
			stdout: surroundings.screen as unknown as NodeJS.WriteStream,
			stdin: nothingToRead as unknown as NodeJS.ReadStream,
			debug: true,
			interactive: true,
			isScreenReaderEnabled: false,
			exitOnCtrlC: false,
			patchConsole: false,
		},
	);
}
