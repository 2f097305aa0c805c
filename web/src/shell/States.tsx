// SPDX-License-Identifier: Apache-2.0
// What stands in for content: loading, failed, empty.
import { css } from '@emotion/css';
import type { GrafanaTheme2, IconName } from '@grafana/data';
import { Alert, Button, Icon, useStyles2 } from '@grafana/ui';
import { Component, type ReactNode } from 'react';

export function Loading({ text = 'Loading…' }: { text?: string }) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.box} role="status">
      <Icon name="spinner" size="xl" />
      <span>{text}</span>
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
}) {
  const styles = useStyles2(getStyles);
  return (
    <div className={styles.box}>
      <Icon name={icon} size="xxxl" />
      <h2 className={styles.title}>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
    </div>
  );
}

export function Failed({
  title,
  error,
  retry,
}: {
  title: string;
  error: Error;
  retry?: () => void;
}) {
  return (
    <Alert severity="error" title={title}>
      <div>{error.message}</div>
      {retry && (
        <Button size="sm" variant="secondary" onClick={retry} style={{ marginTop: 8 }}>
          Try again
        </Button>
      )}
    </Alert>
  );
}

interface BoundaryState {
  error?: Error;
}

/** A fault in one page leaves the navigation standing. */
export class ErrorBoundary extends Component<{ children: ReactNode }, BoundaryState> {
  state: BoundaryState = {};

  static getDerivedStateFromError(error: Error): BoundaryState {
    return { error };
  }

  render() {
    const { error } = this.state;
    return error ? (
      <div style={{ padding: 24 }}>
        <Failed
          title="This page failed"
          error={error}
          retry={() => this.setState({ error: undefined })}
        />
      </div>
    ) : (
      this.props.children
    );
  }
}

const getStyles = (theme: GrafanaTheme2) => ({
  box: css({
    display: 'flex',
    flexDirection: 'column',
    alignItems: 'center',
    justifyContent: 'center',
    gap: theme.spacing(1.5),
    width: '100%',
    padding: theme.spacing(8, 2),
    color: theme.colors.text.secondary,
    textAlign: 'center',
  }),
  title: css({ ...theme.typography.h4, margin: 0, color: theme.colors.text.primary }),
  text: css({ maxWidth: 520 }),
});
