// SPDX-License-Identifier: Apache-2.0
import { Combobox } from '@grafana/ui';
import { prometheusSources } from '../host/boot';

interface Props {
  uid: string;
  onChange: (uid: string) => void;
  /** Shown also where there is nothing to choose. */
  always?: boolean;
}

export function SourcePicker({ uid, onChange, always }: Props) {
  const options = prometheusSources().map(({ name, uid: value }) => ({ label: name, value }));
  if (options.length < 2 && !always) {
    return null;
  }
  return (
    <Combobox
      aria-label="Data source"
      options={options}
      value={uid}
      width={32}
      onChange={({ value }) => onChange(value)}
    />
  );
}
