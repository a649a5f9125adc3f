// tutti lambda: the same server as an AWS Lambda function.

import type { CommandFile } from '../../command.ts';
import { addAppOptions } from '../../shared/app-options.ts';

export const lambda: CommandFile = {
  name: 'lambda',
  group: 'Run',
  summary: 'Run a program as an AWS Lambda function: as its bootstrap, or as the command of its image.',
  examples: [
    ['tutti lambda server.js', 'behind API Gateway, a function URL or a load balancer'],
    ['tutti lambda server.js --base-path /prod', 'without the name of the stage in the path'],
    ['tutti lambda server.js --invoke-mode response-stream', 'answers as they come'],
  ],
  configure: (command) => {
    command.argument('[entry]', 'the program; without it, the app of the configuration file');
    command.option(
      '--invoke-mode <mode>',
      'buffered, or response-stream for function URLs and REST APIs that stream (TUTTI_LAMBDA_INVOKE_MODE; default: buffered)',
    );
    command.option(
      '--base-path <path>',
      'what is taken off the beginning of paths, as the name of a stage (TUTTI_LAMBDA_BASE_PATH)',
    );
    command.option(
      '--events-path <path>',
      'where events go that are no HTTP requests, by POST (TUTTI_LAMBDA_EVENTS_PATH; default: /events)',
    );
    addAppOptions(command);
  },
  action: async ({ positionals, rest, options, terminal }) => {
    const { runLambda } = await import('../../lambda/run-lambda.ts');
    return runLambda({ entry: positionals[0], args: rest, options, terminal });
  },
};
