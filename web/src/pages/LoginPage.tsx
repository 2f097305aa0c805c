// SPDX-License-Identifier: Apache-2.0
import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, Button, Field, Input, useStyles2 } from '@grafana/ui';
import { useState } from 'react';
import { signInUrl } from '../api/session';
import { useTitle } from '../shell/Page';

/** A whole link, or only its token. */
export function tokenOf(pasted: string): string {
  const text = pasted.trim();
  try {
    return new URL(text).searchParams.get('token') ?? '';
  } catch {
    return /^[\w.~+/=-]+$/.test(text) ? text : '';
  }
}

export default function LoginPage() {
  const styles = useStyles2(getStyles);
  useTitle('Sign in');
  const [text, setText] = useState('');
  const [wrong, setWrong] = useState(false);
  const refused = new URLSearchParams(window.location.search).get('error');
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    const token = tokenOf(text);
    setWrong(!token);
    if (token) {
      window.location.assign(signInUrl(token));
    }
  };
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <div className={styles.brand}>
          <img src="/public/hearth.svg" alt="" width={44} height={44} />
          <h1 className={styles.title}>hearth</h1>
        </div>
        <p className={styles.lead}>Metrics, dashboards and alerts on your own machine.</p>
        {refused && (
          <Alert severity="warning" title="This link cannot be used">
            {refused === 'used'
              ? 'It was used before. A sign-in link works once and for 15 minutes.'
              : refused === 'expired'
                ? 'It is older than 15 minutes.'
                : refused}
          </Alert>
        )}
        <form onSubmit={submit}>
          <Field
            label="Sign-in link or token"
            invalid={wrong}
            error={wrong ? 'This is neither a sign-in link nor a token' : undefined}
          >
            <Input
              id="token"
              value={text}
              autoFocus
              autoComplete="off"
              spellCheck={false}
              placeholder="http://…/login/link?token=…"
              onChange={(event) => setText(event.currentTarget.value)}
            />
          </Field>
          <Button type="submit" size="lg" className={styles.submit} disabled={!text.trim()}>
            Sign in
          </Button>
        </form>
        <div className={styles.help}>
          <p>Where hearth runs, print a link that works once:</p>
          <pre className={styles.command}>hearth login --data DIR</pre>
          <p>Open it in this browser, or paste it above. There is no password.</p>
        </div>
      </div>
    </main>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  page: css({
    display: 'grid',
    placeItems: 'center',
    minHeight: '100vh',
    padding: theme.spacing(2),
    backgroundColor: theme.colors.background.canvas,
    backgroundImage: `radial-gradient(60rem 36rem at 50% 110%, ${
      theme.isDark ? 'rgba(242, 90, 29, 0.22)' : 'rgba(242, 90, 29, 0.16)'
    }, transparent 70%)`,
  }),
  card: css({
    width: '100%',
    maxWidth: 440,
    padding: theme.spacing(5, 4),
    border: `1px solid ${theme.colors.border.weak}`,
    borderRadius: 8,
    background: theme.colors.background.primary,
    boxShadow: theme.shadows.z3,
  }),
  brand: css({
    display: 'flex',
    alignItems: 'center',
    justifyContent: 'center',
    gap: theme.spacing(1.5),
  }),
  title: css({ margin: 0, fontSize: 34, fontWeight: 500, letterSpacing: '-0.03em' }),
  lead: css({
    textAlign: 'center',
    color: theme.colors.text.secondary,
    margin: theme.spacing(1, 0, 3),
  }),
  submit: css({ width: '100%', justifyContent: 'center' }),
  help: css({
    marginTop: theme.spacing(3),
    paddingTop: theme.spacing(2),
    borderTop: `1px solid ${theme.colors.border.weak}`,
    color: theme.colors.text.secondary,
    p: { margin: theme.spacing(0, 0, 1) },
  }),
  command: css({
    margin: theme.spacing(0, 0, 1),
    padding: theme.spacing(1, 1.5),
    color: theme.colors.text.primary,
    background: theme.colors.background.canvas,
  }),
});
