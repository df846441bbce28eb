import type {Agent} from '../../mailbox/agent.ts';
import {foldTag} from '../../mailbox/tag.ts';
import {isChannelPane, agentsPane} from '../model/pane-id.ts';
import type {ScreenContext} from '../model/ui.ts';
import {selectedAgent} from '../panes/agents.ts';
import {sentenceOf} from '../tasks/ask.ts';

/** Lets the damped agent of the pane go on; elsewhere, all of them. */
export function undamp({store, ui}: ScreenContext): void {
	const damped = dampedHere({store, ui});
	if (damped.length === 0) return ui.setState({notice: 'No agent is damped here.'});
	Promise.all(damped.map(({tag}) => store.undamp(tag))).then(
		() => ui.setState({notice: `Mail wakes ${damped.map(({tag}) => tag).join(', ')} again.`}),
		(error: unknown) => ui.setState({notice: sentenceOf(error)}),
	);
}

function dampedHere({store, ui}: ScreenContext): readonly Agent[] {
	const state = store.getState();
	const {focus} = ui.getState();
	const tag = isChannelPane(focus) ? focus : focus === agentsPane ? selectedAgent(state, ui.getState()) : null;
	const here = tag === null ? undefined : state.agents.get(foldTag(tag));
	if (here !== undefined && here.damped !== null) return [here];
	return [...state.agents.values()].filter(({damped}) => damped !== null);
}
