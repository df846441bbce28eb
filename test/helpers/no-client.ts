import {clientVariables} from '../../source/join/clients/running-client.ts';

// An agent may run the tests, but the programs that they start must behave as if a human had started them.
for (const name of clientVariables) delete process.env[name];

// As if that human had not used npm.
delete process.env['npm_config_user_agent'];
