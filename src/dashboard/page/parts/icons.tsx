// The few signs the page uses, drawn here so that nothing has to be fetched.

const paths = {
  reload: 'M20 11a8 8 0 1 0-2.3 6.2M20 4v7h-7',
  rollback: 'M4 9h10a5.5 5.5 0 0 1 0 11H8M4 9l4.5-4.5M4 9l4.5 4.5',
  scale: 'M5 20v-6M12 20V9M19 20V4',
  recycle: 'M4 12a8 8 0 0 1 14-5.3L20 9M20 4v5h-5M20 12a8 8 0 0 1-14 5.3L4 15M4 20v-5h5',
  profile: 'M3 20h18M6 20v-5M10 20V9M14 20v-8M18 20V5',
  theme: 'M12 3a9 9 0 1 0 9 9 7 7 0 0 1-9-9Z',
  close: 'M6 6l12 12M18 6L6 18',
} as const;

export function Icon({ name }: { name: keyof typeof paths }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
