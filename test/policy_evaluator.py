# SPDX-License-Identifier: Apache-2.0
"""IAM's evaluation logic a second time, from AWS's text and from nothing of hearth's
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html,
…/reference_policies_elements_condition_operators.html, …/reference_policies_condition-logic-
multiple-context-keys-or-values.html), and random policies and requests to judge with it."""

import datetime
import fnmatch
import ipaddress
import json
import re

ACCOUNT = '000000000000'
USER = f'arn:aws:iam::{ACCOUNT}:user/simulated'


# ---- evaluation ---------------------------------------------------------------------------------

class NoValue(Exception):
    """A policy variable without a value: the element that holds it matches nothing."""


def substitute(text, context, literal=lambda value: value):
    def value_of(match):
        key, _, default = match.group(1).partition(',')
        if key in ('*', '?', '$'):
            return literal(key)
        values = context.get(key.strip().lower(), [])
        if len(values) == 1:
            return literal(values[0])
        if default.strip():
            return literal(default.strip().strip("'"))
        raise NoValue
    return re.sub(r'\$\{([^}]*)\}', value_of, text)


def wild(pattern, text, context=None, ignore_case=False):
    """`*` any run, `?` any one; what a variable brings in is literal."""
    if context is not None:
        try:
            pattern = substitute(
                pattern, context,
                lambda value: ''.join(f'[{c}]' if c in '*?[' else c for c in value))
        except NoValue:
            return False
        expression = fnmatch.translate(pattern)
    else:
        expression = fnmatch.translate(pattern.replace('[', '[[]'))
    return re.match(expression, text, re.IGNORECASE if ignore_case else 0) is not None


def wild_arn(pattern, arn, context):
    """Field by field; the last one may hold colons."""
    try:
        substitute(pattern, context)
    except NoValue:
        return False
    # Fields are split before variables are replaced; the colons of a variable's own name stay.
    hidden = re.sub(r'\$\{[^}]*\}', lambda found: found.group().replace(':', '\0'), pattern)
    left = [field.replace('\0', ':') for field in hidden.split(':', 5)]
    right = arn.split(':', 5)
    if len(left) != 6 or len(right) != 6:
        return wild(pattern, arn, context)
    return all(wild(p, a, context) for p, a in zip(left, right))


def number(text):
    return float(text)


def moment(text):
    if re.fullmatch(r'\d+', text):
        return datetime.datetime.fromtimestamp(int(text), datetime.timezone.utc)
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00'))


def in_network(value, actual):
    network, address = ipaddress.ip_network(value, strict=False), ipaddress.ip_address(actual)
    return network.version == address.version and address in network


def ordered(read):
    def make(compare):
        def check(value, actual, _):
            try:
                return compare(read(actual), read(value))
            except ValueError:
                return False
        return check
    return make


numeric, dates = ordered(number), ordered(moment)


def plain(compare):
    def check(value, actual, context):
        try:
            return compare(substitute(value, context), actual)
        except NoValue:
            return False
    return check


def address(value, actual, _):
    try:
        return in_network(value, actual)
    except ValueError:
        return False


# The positive form of each operator; negated ones are made of them.
OPERATORS = {
    'StringEquals': plain(lambda value, actual: value == actual),
    'StringEqualsIgnoreCase': plain(lambda value, actual: value.lower() == actual.lower()),
    'StringLike': lambda value, actual, context: wild(value, actual, context),
    'NumericEquals': numeric(lambda a, v: a == v),
    'NumericLessThan': numeric(lambda a, v: a < v),
    'NumericLessThanEquals': numeric(lambda a, v: a <= v),
    'NumericGreaterThan': numeric(lambda a, v: a > v),
    'NumericGreaterThanEquals': numeric(lambda a, v: a >= v),
    'DateEquals': dates(lambda a, v: a == v),
    'DateLessThan': dates(lambda a, v: a < v),
    'DateLessThanEquals': dates(lambda a, v: a <= v),
    'DateGreaterThan': dates(lambda a, v: a > v),
    'DateGreaterThanEquals': dates(lambda a, v: a >= v),
    'Bool': plain(lambda value, actual: value.lower() == actual.lower()),
    'IpAddress': address,
    'ArnLike': lambda value, actual, context: wild_arn(value, actual, context),
    'ArnEquals': lambda value, actual, context: wild_arn(value, actual, context),
}
NEGATED = {'StringNotEquals': 'StringEquals',
           'StringNotEqualsIgnoreCase': 'StringEqualsIgnoreCase', 'StringNotLike': 'StringLike',
           'NumericNotEquals': 'NumericEquals', 'DateNotEquals': 'DateEquals',
           'NotIpAddress': 'IpAddress', 'ArnNotEquals': 'ArnEquals', 'ArnNotLike': 'ArnLike'}


def as_list(value):
    return value if isinstance(value, list) else [value]


def condition_holds(operator, key, values, context):
    actual = context.get(key.lower(), [])
    if operator == 'Null':
        return any((value.lower() == 'true') == (not actual) for value in values)
    qualifier, _, rest = operator.rpartition(':')
    if_exists = rest.endswith('IfExists')
    name = rest.removesuffix('IfExists')
    negated = name in NEGATED
    check = OPERATORS[NEGATED.get(name, name)]

    def one(value_of_request):
        found = any(check(value, value_of_request, context) for value in values)
        return found != negated

    if not actual:
        if qualifier == 'ForAllValues':
            return True
        if qualifier == 'ForAnyValue':
            return if_exists
        return negated or if_exists
    if qualifier == 'ForAllValues' or (not qualifier and negated):
        return all(one(value) for value in actual)
    return any(one(value) for value in actual)


def applies(statement, action, resource, context):
    actions = as_list(statement.get('Action', statement.get('NotAction')))
    if any(wild(a, action, None, True) for a in actions) != ('Action' in statement):
        return False
    resources = as_list(statement.get('Resource', statement.get('NotResource')))
    hit = any(r == '*' or wild_arn(r, resource, context) for r in resources)
    if hit != ('Resource' in statement):
        return False
    return all(condition_holds(operator, key, as_list(values), context)
               for operator, keys in statement.get('Condition', {}).items()
               for key, values in keys.items())


def effects(documents, action, resource, context, named=lambda statement: True):
    return {statement['Effect'] for document in documents
            for statement in document['Statement']
            if named(statement) and applies(statement, action, resource, context)}


def decide(case, action, resource):
    """'allowed', 'explicitDeny' or 'implicitDeny' for the user USER of the account."""
    context = {key.lower(): values for key, values in case['context'].items()}

    def names(*whom):
        return lambda statement: any(p in whom for p in as_list(statement['Principal']['AWS']))

    identity = effects(case['identity'], action, resource, context)
    boundary = effects(case['boundary'], action, resource, context)
    directly = effects(case['resource'], action, resource, context, names(USER))
    anyhow = effects(case['resource'], action, resource, context, names(USER, ACCOUNT))
    if 'Deny' in identity | boundary | anyhow:
        return 'explicitDeny'
    # A resource's policy that names the user itself allows past the boundary.
    if 'Allow' in directly:
        return 'allowed'
    if 'Allow' in identity and (not case['boundary'] or 'Allow' in boundary):
        return 'allowed'
    return 'implicitDeny'


# ---- random policies and requests ---------------------------------------------------------------

ACTIONS = ['aps:RemoteWrite', 'aps:QueryMetrics', 'aps:GetLabels', 'aps:GetSeries',
           'grafana:DescribeWorkspace', 'iam:GetRole']
PATTERNS = ACTIONS + ['*', 'aps:*', 'aps:Get*', 'APS:get?????', '*:Describe*', 'a*:*Write', 'iam:*']
RESOURCES = [f'arn:aws:aps:us-east-1:{ACCOUNT}:workspace/ws-1',
             f'arn:aws:aps:eu-west-1:{ACCOUNT}:workspace/ws-2',
             f'arn:aws:iam::{ACCOUNT}:role/team/a', f'arn:aws:iam::{ACCOUNT}:role/ann']
RESOURCE_PATTERNS = RESOURCES + [
    '*', f'arn:aws:aps:*:{ACCOUNT}:workspace/*', 'arn:aws:aps:us-east-1:*:workspace/ws-?',
    'arn:*:*:*:*:*', f'arn:aws:iam::{ACCOUNT}:role/${{aws:username}}',
    f'arn:aws:aps:${{aws:RequestedRegion}}:{ACCOUNT}:*', f'arn:aws:iam::{ACCOUNT}:role/*/a',
    "arn:aws:iam::000000000000:role/${aws:PrincipalTag/team, 'ann'}"]
KEYS = {
    'aws:username': (['ann', 'bob', 'A*n'], ['StringEquals', 'StringNotEquals', 'StringLike',
                                             'StringNotLike', 'StringEqualsIgnoreCase',
                                             'StringNotEqualsIgnoreCase'],
                     ['ann', 'ANN', 'a*', '?ob', '*', 'bob', '${aws:PrincipalTag/team}']),
    'aws:PrincipalTag/team': (['ann', 'x'], ['StringEquals', 'StringNotEquals', 'StringLike'],
                              ['x', '${aws:username}', "${aws:username, 'x'}", '${*}']),
    'aws:RequestedRegion': (['us-east-1', 'eu-west-1'], ['StringEquals', 'StringNotLike'],
                            ['us-east-1', 'eu-*']),
    'aws:MultiFactorAuthAge': (['5', '10', '10.5'],
                               ['NumericEquals', 'NumericNotEquals', 'NumericLessThan',
                                'NumericLessThanEquals', 'NumericGreaterThan',
                                'NumericGreaterThanEquals'], ['5', '10', '7.25']),
    'aws:TokenIssueTime': (['2026-01-01T00:00:00Z', '2026-06-01T12:00:00Z'],
                           ['DateEquals', 'DateNotEquals', 'DateLessThan', 'DateLessThanEquals',
                            'DateGreaterThan', 'DateGreaterThanEquals'],
                           ['2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z', '1780315200']),
    'aws:SecureTransport': (['true', 'false'], ['Bool'], ['true', 'false']),
    'aws:SourceIp': (['10.1.2.3', '192.168.0.9', 'fd00::1'], ['IpAddress', 'NotIpAddress'],
                     ['10.0.0.0/8', '192.168.0.9', 'fd00::/8', '10.1.2.3/32', '0.0.0.0/0']),
    'aws:SourceArn': ([RESOURCES[0], RESOURCES[3]],
                      ['ArnLike', 'ArnEquals', 'ArnNotLike', 'ArnNotEquals'],
                      ['arn:aws:aps:*:*:*', RESOURCES[0], 'arn:aws:iam::*:role/?nn']),
    'aws:TagKeys': (['a', 'b', 'c'], ['StringEquals', 'StringLike', 'StringNotEquals'],
                    ['a', 'b', '?']),
}


def some(random, values, most):
    return [random.choice(values) for _ in range(random.randint(1, most))]


def random_condition(random):
    key = random.choice(list(KEYS))
    _, operators, values = KEYS[key]
    operator = random.choice(operators)
    if random.random() < 0.1:
        return 'Null', random.choice([key, key.upper()]), random.choice(['true', 'false'])
    if random.random() < 0.25:
        operator += 'IfExists'
    if key == 'aws:TagKeys' or random.random() < 0.1:
        operator = random.choice(['ForAnyValue:', 'ForAllValues:']) + operator
    chosen = some(random, values, 2)
    listed = random.random() < 0.7
    return operator, random.choice([key, key.lower()]), chosen if listed else chosen[0]


def random_statement(random, principals=None):
    statement = {'Effect': 'Deny' if random.random() < 0.2 else 'Allow'}
    if principals:
        statement['Principal'] = {'AWS': random.choice(principals)}
    statement['NotAction' if random.random() < 0.12 else 'Action'] = some(random, PATTERNS, 3)
    # A variable without a value in NotResource is where AWS's text is silent.
    negated = random.random() < 0.12
    patterns = [p for p in RESOURCE_PATTERNS if '${' not in p] if negated else RESOURCE_PATTERNS
    chosen = some(random, patterns, 3)
    statement['NotResource' if negated else 'Resource'] = chosen
    condition = {}
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        operator, key, values = random_condition(random)
        condition.setdefault(operator, {}).setdefault(key, values)
    if condition:
        statement['Condition'] = condition
    return statement


def random_document(random, principals=None):
    return {'Version': '2012-10-17',
            'Statement': [random_statement(random, principals)
                          for _ in range(random.randint(1, 3))]}


def random_case(random):
    context = {}
    for key, (values, _, _) in KEYS.items():
        if random.random() < 0.7:
            most = 3 if key == 'aws:TagKeys' else 1
            context[key] = sorted(set(some(random, values, most)))
    return {
        'identity': [random_document(random) for _ in range(random.randint(1, 2))],
        'boundary': [random_document(random)] if random.random() < 0.3 else [],
        'resource': [random_document(random, [USER, ACCOUNT, [USER, ACCOUNT],
                                              f'arn:aws:iam::{ACCOUNT}:user/other'])]
        if random.random() < 0.3 else [],
        'context': context,
    }


def request_of(case, actions, resources):
    """Parameters of SimulateCustomPolicy."""
    request = {
        'PolicyInputList': [json.dumps(d) for d in case['identity']],
        'ActionNames': actions, 'ResourceArns': resources, 'CallerArn': USER,
        'ContextEntries': [{'ContextKeyName': key, 'ContextKeyValues': values,
                            'ContextKeyType': 'stringList' if len(values) > 1 else 'string'}
                           for key, values in case['context'].items()],
    }
    if case['boundary']:
        request['PermissionsBoundaryPolicyInputList'] = [json.dumps(d) for d in case['boundary']]
    if case['resource']:
        request['ResourcePolicy'] = json.dumps(case['resource'][0])
    return request
