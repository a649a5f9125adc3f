// What an invocation event is: a request of one of the four fronts that call a function with HTTP, or something else. Fronts describe the
// same request in different words, so this is asked before anything is read. Pure; in the primary of `tutti lambda`.

/**
 * `http`: payload format 2.0, of HTTP APIs and function URLs. `rest`: format 1.0, of REST APIs and HTTP APIs. `alb`, `alb-multi`: a load
 * balancer, without and with multi-value headers. `other`: no HTTP request, for example a message of a queue.
 */
export type EventKind = 'http' | 'rest' | 'alb' | 'alb-multi' | 'other';

export type Fields = Readonly<Record<string, unknown>>;

/** Events are whatever somebody invoked the function with; what is no object has no fields. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

export function isFilled(fields: Fields): boolean {
  return Object.keys(fields).length > 0;
}

export function kindOf(event: unknown): EventKind {
  const { requestContext, multiValueHeaders, httpMethod, path, rawPath, methodArn, routeArn } = fieldsOf(event);
  // An authorizer is asked about a request, and answers with a policy.
  if (methodArn !== undefined || routeArn !== undefined) return 'other';
  const { elb, http } = fieldsOf(requestContext);
  if (typeof httpMethod === 'string' && typeof path === 'string') {
    if (elb === undefined) return 'rest';
    return isFilled(fieldsOf(multiValueHeaders)) ? 'alb-multi' : 'alb';
  }
  return typeof rawPath === 'string' && typeof fieldsOf(http).method === 'string' ? 'http' : 'other';
}

/**
 * Whether the front may have asked for a stream: function URLs and REST APIs can. HTTP APIs, whose events look alike, and load balancers
 * would show the head of a stream to the client.
 */
export function canStream(event: Fields, kind: EventKind): boolean {
  if (kind === 'rest') return event.version === undefined;
  const { domainName } = fieldsOf(event.requestContext);
  return kind === 'http' && (typeof domainName !== 'string' || domainName.includes('.lambda-url.'));
}
