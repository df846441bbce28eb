import {clientVariables} from '../../source/join/clients/running-client.ts';

// Whoever runs the tests may be an agent itself: what they start is to be as if a human had started it.
for (const name of clientVariables) delete process.env[name];
