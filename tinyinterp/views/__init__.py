"""Everything a person looks at: pictures and pages. Nothing here measures anything."""
